/**
 * Types that carry proof: a branded value can only come from the function that checked it.
 */
declare const brand: unique symbol;

/** A `T` that has passed the check called `Name`. */
export type Branded<T, Name extends string> = T & { readonly [brand]: Name };
