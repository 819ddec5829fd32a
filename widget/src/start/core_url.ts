const PLACE = /^(.*?)(?:\/static)?\/widget\.js(?:[?#].*)?$/;

/**
 * Base URL of the core, without a slash at its end: what the page says, else where this module was loaded from
 * (`{core}/widget.js`), else the page's own origin.
 */
export function coreUrl(attribute: string, module: string = import.meta.url): string {
  if (URL.canParse(attribute, location.href) && attribute !== "") {
    return new URL(attribute, location.href).href.replace(/\/+$/, "");
  }
  const place = module.match(PLACE)?.[1];
  return place !== undefined && /^https?:/.test(place) ? place : location.origin;
}
