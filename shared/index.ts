/**
 * Fanal for wallets and apps: a client that trusts no server, accounts, payments, and everything
 * that verifies offline.
 */
export * from './light/index.ts';

export * from './wallet/index.ts';
