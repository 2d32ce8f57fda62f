/** A file's text, as Vite imports it. */
declare module '*?raw' {
  const text: string;
  export default text;
}

/** Several files at once, as Vite imports them. */
interface ImportMeta {
  glob<T>(
    pattern: string,
    options: { readonly query: '?raw'; readonly import: 'default'; readonly eager: true },
  ): Readonly<Record<string, T>>;
}
