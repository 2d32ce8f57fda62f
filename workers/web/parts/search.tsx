/**
 * One field for a height, a payment or an address.
 */
import { signal } from '@preact/signals';
import { go, placeOf } from '../router.ts';

const text = signal('');
const problem = signal<string | null>(null);

// A complaint is about what was typed here, not about where one went since.
window.addEventListener('hashchange', () => {
  problem.value = null;
});

function submit(event: Event): void {
  event.preventDefault();
  const place = placeOf(text.value.trim());
  problem.value =
    place === null
      ? 'That is neither a height, nor a payment (64 hex digits), nor an address.'
      : null;
  if (place === null) return;
  text.value = '';
  go(place);
}

export function Search() {
  return (
    <search>
      <form class="search" onSubmit={submit}>
        <div>
          <label class="sr" for="search">
            Block, payment or address
          </label>
          <input
            id="search"
            type="search"
            enterkeyhint="search"
            placeholder="Block, payment or address"
            autocomplete="off"
            spellcheck={false}
            value={text.value}
            aria-describedby={problem.value === null ? undefined : 'search-problem'}
            aria-invalid={problem.value === null ? undefined : true}
            onInput={(event) => {
              problem.value = null;
              text.value = event.currentTarget.value;
            }}
          />
        </div>
        <button type="submit">Look up</button>
      </form>
      {problem.value !== null && (
        <p id="search-problem" class="problem" role="alert">
          {problem.value}
        </p>
      )}
    </search>
  );
}
