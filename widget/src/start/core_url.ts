const PLACE = /^(.*?)(?:\/static)?\/widget\.js(?:[?#].*)?$/;

/**
 * Base URL of the core, without a slash at its end: what the page says, else where this module was loaded from
 * (`{core}/widget.js`), else the page's own origin.
 */
export function coreUrl(attribute: string, module: string = import.meta.url): string {
  const said = attribute === "" ? undefined : urlFrom(attribute, location.href);
  if (said !== undefined) return said.href.replace(/\/+$/, "");
  const place = module.match(PLACE)?.[1];
  return place !== undefined && /^https?:/.test(place) ? place : location.origin;
}

/** The address, or nothing where it is none. (`URL.canParse` is too new for the phones that people have.) */
export function urlFrom(address: string, base: string): URL | undefined {
  try {
    return new URL(address, base);
  } catch {
    return undefined;
  }
}
