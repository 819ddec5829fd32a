/** The script's own address, while it runs as a plain script; a module has none here. */
const ADDRESS = document.currentScript instanceof HTMLScriptElement ? document.currentScript.src : undefined;
const PLACE = /^(.*)\/static\/widget\.js(?:[?#].*)?$/;

/**
 * Base URL of the core, without a slash at its end: what the page says, else where this script was loaded from
 * (`{core}/static/widget.js`), else the page's own origin.
 */
export function coreUrl(attribute: string, scripts: Iterable<HTMLScriptElement> = document.scripts): string {
  if (attribute !== "") return new URL(attribute, location.href).href.replace(/\/+$/, "");
  for (const source of [ADDRESS, ...Array.from(scripts, ({ src }) => src)]) {
    const place = source?.match(PLACE)?.[1];
    if (place !== undefined) return place;
  }
  return location.origin;
}
