/**
 * Places of the page, kept in the address bar's fragment so that links can be shared.
 */
import { signal } from '@preact/signals';

export type Place =
  | { readonly kind: 'home' }
  | { readonly kind: 'block'; readonly height: string }
  | { readonly kind: 'payment'; readonly id: string }
  | { readonly kind: 'address'; readonly address: string }
  | { readonly kind: 'validators' };

const HEIGHT = /^(0|[1-9][0-9]{0,15})$/;
const ID = /^[0-9a-f]{64}$/;
const ADDRESS = /^(fan|tfan|dfan)1[02-9ac-hj-np-z]{30,90}$/;

export const place = signal<Place>(read());

window.addEventListener('hashchange', () => {
  place.value = read();
  document.getElementById('page')?.scrollIntoView();
});

/** Guesses what a searched text names; null when it is nothing we know. */
export function placeOf(text: string): Place | null {
  if (HEIGHT.test(text)) return { kind: 'block', height: text };
  if (ID.test(text.toLowerCase())) return { kind: 'payment', id: text.toLowerCase() };
  if (ADDRESS.test(text.toLowerCase())) return { kind: 'address', address: text.toLowerCase() };
  return null;
}

export function go(to: Place): void {
  window.location.hash = fragmentOf(to);
}

function fragmentOf(to: Place): string {
  switch (to.kind) {
    case 'home':
      return '#/';
    case 'block':
      return `#/block/${to.height}`;
    case 'payment':
      return `#/payment/${to.id}`;
    case 'address':
      return `#/address/${to.address}`;
    case 'validators':
      return '#/validators';
  }
}

function read(): Place {
  const [, kind = '', value = ''] = window.location.hash.split('/');
  if (kind === 'validators') return { kind: 'validators' };
  if (kind === 'block' && HEIGHT.test(value)) return { kind: 'block', height: value };
  if (kind === 'payment' && ID.test(value)) return { kind: 'payment', id: value };
  if (kind === 'address' && ADDRESS.test(value)) return { kind: 'address', address: value };
  return { kind: 'home' };
}
