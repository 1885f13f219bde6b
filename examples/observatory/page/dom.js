/** Owns making elements. Whatever is shown goes through text nodes and attributes, never through markup. */

const SVG = 'http://www.w3.org/2000/svg'

/** @param {string} id */
export const byId = (id) => document.getElementById(id)

/** An element with attributes and children; strings become text. */
export function element(name, attributes = {}, ...children) {
  return filled(document.createElement(name), attributes, children)
}

export function svgElement(name, attributes = {}, ...children) {
  return filled(document.createElementNS(SVG, name), attributes, children)
}

/** Changes the text of an element only if it differs, which leaves selections alone. */
export function setText(node, text) {
  if (node.textContent !== text) node.textContent = text
}

function filled(node, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === false || value === undefined) continue
    node.setAttribute(name, value === true ? '' : String(value))
  }
  node.append(...children)
  return node
}
