import { html, type TemplateResult } from "lit";
import type { QueueAgent } from "../../../client/src/generated/messages.ts";
import { runningTime } from "../../../client/src/i18n/format.ts";
import { type PurposeRow, purposeRows, type QueueState } from "../queue_state.ts";
import { purposeName, type View } from "./view.ts";

/**
 * For supervisors: queues and agents, live. Nothing here says who an end user is.
 *
 * Where there is no room for columns, each row is a list with the heading before each value; a table that is laid out
 * so is one to assistive technology only when its roles are written out.
 */
export function overview(view: View): TemplateResult {
  const { state, texts } = view;
  if (state.queue === undefined) return html`<div class="overview"><p class="soft">${texts.queueUnknown}</p></div>`;
  return html`<div class="overview">${queues(view, state.queue)} ${agents(view, state.queue)}</div>`;
}

function queues(view: View, queue: QueueState): TemplateResult {
  const { overview: texts } = view.texts;
  const rows = purposeRows(queue, Object.keys(view.state.me?.purposes ?? {}));
  return html`<section>
    <h2 id="queues">${texts.queues}</h2>
    <div class="table" role="region" aria-labelledby="queues" tabindex="0">
      <table role="table" aria-labelledby="queues">
        <thead role="rowgroup">
          <tr role="row">
            <th role="columnheader" scope="col">${texts.purpose}</th>
            <th role="columnheader" scope="col" class="number">${texts.waiting}</th>
            <th role="columnheader" scope="col" class="number">${texts.longest}</th>
            <th role="columnheader" scope="col" class="number">${texts.helped}</th>
          </tr>
        </thead>
        <tbody role="rowgroup">
          ${rows.map((row) => queueRow(view, row))}
        </tbody>
      </table>
    </div>
  </section>`;
}

function queueRow(view: View, { purpose, waiting, helped, longestSince }: PurposeRow): TemplateResult {
  const { overview: texts } = view.texts;
  return html`<tr role="row">
    <th role="rowheader" scope="row">${purposeName(view, purpose)}</th>
    <td role="cell" class="number" data-label=${texts.waiting}>${waiting}</td>
    <td role="cell" class="number" data-label=${texts.longest}>
      ${longestSince === undefined ? html`<span class="soft">${texts.nobody}</span>` : runningTime(view.now - longestSince)}
    </td>
    <td role="cell" class="number" data-label=${texts.helped}>${helped}</td>
  </tr>`;
}

function agents(view: View, queue: QueueState): TemplateResult {
  const { overview: texts } = view.texts;
  const rows = [...queue.agents.values()].sort(
    (a, b) => Number(b.present) - Number(a.present) || a.name.localeCompare(b.name),
  );
  return html`<section>
    <h2 id="agents">${texts.agents}</h2>
    ${rows.length === 0 ? html`<p class="soft">${texts.noAgents}</p>` : agentTable(view, rows)}
  </section>`;
}

function agentTable(view: View, rows: readonly QueueAgent[]): TemplateResult {
  const { overview: texts } = view.texts;
  return html`<div class="table" role="region" aria-labelledby="agents" tabindex="0">
      <table role="table" aria-labelledby="agents">
        <thead role="rowgroup">
          <tr role="row">
            <th role="columnheader" scope="col">${texts.name}</th>
            <th role="columnheader" scope="col">${texts.status}</th>
            <th role="columnheader" scope="col" class="number">${texts.since}</th>
            <th role="columnheader" scope="col" class="number">${texts.load}</th>
            <th role="columnheader" scope="col">${texts.purposes}</th>
          </tr>
        </thead>
        <tbody role="rowgroup">
          ${rows.map((agent) => agentRow(view, agent))}
        </tbody>
      </table>
    </div>`;
}

function agentRow(view: View, agent: QueueAgent): TemplateResult {
  const { texts, now } = view;
  const { overview: headings } = texts;
  const standing = agent.present ? agent.status : "absent";
  return html`<tr role="row">
    <th role="rowheader" scope="row">${agent.name}</th>
    <td role="cell" data-label=${headings.status}><span class="state ${standing}">${agent.present ? texts.status[agent.status] : headings.absent}</span></td>
    <td role="cell" class="number" data-label=${headings.since}>${agent.since === undefined ? "–" : runningTime(now - agent.since)}</td>
    <td role="cell" class="number" data-label=${headings.load}>${headings.ofCapacity({ load: agent.load, capacity: agent.capacity })}</td>
    <td role="cell" data-label=${headings.purposes}>${agent.purposes.map((purpose) => purposeName(view, purpose)).join(", ")}</td>
  </tr>`;
}
