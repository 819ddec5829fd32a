/**
 * Gives `prototype` properties that are their attributes, as those of HTML's own elements are: what a framework sets and
 * what stands in the page is one and the same. `texts` and `switches` map each property to its attribute; a switch is
 * on when its attribute is there. Setting nothing (`null`, `undefined`, `false`) removes the attribute.
 */
export function reflect(
  prototype: HTMLElement,
  texts: Readonly<Record<string, string>>,
  switches: Readonly<Record<string, string>>,
): void {
  for (const [property, attribute] of Object.entries(texts)) {
    define(prototype, property, attribute, (value) => value ?? "");
  }
  for (const [property, attribute] of Object.entries(switches)) {
    define(prototype, property, attribute, (value) => value !== null);
  }
}

function define(prototype: HTMLElement, property: string, attribute: string, read: (value: string | null) => unknown) {
  Object.defineProperty(prototype, property, {
    configurable: true,
    enumerable: true,
    get(this: HTMLElement) {
      return read(this.getAttribute(attribute));
    },
    set(this: HTMLElement, value: unknown) {
      if (value === undefined || value === null || value === false) this.removeAttribute(attribute);
      else this.setAttribute(attribute, value === true ? "" : String(value));
    },
  });
}

/** Properties that were set before the browser knew the element stand in the way of its own: they are set again. */
export function takeOver(element: HTMLElement, prototype: HTMLElement): void {
  for (const property of Object.keys(prototype)) {
    const found = Object.getOwnPropertyDescriptor(element, property);
    if (found === undefined) continue;
    Reflect.deleteProperty(element, property);
    Reflect.set(element, property, found.value);
  }
}
