/** workerd's package gives the path of the program for this machine, as CommonJS would. */
declare module 'workerd' {
  const workerd: { readonly default: string };
  export default workerd;
}
