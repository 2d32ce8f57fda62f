/**
 * For the tests of wallets: a real chain in memory, and a gateway that lies on request.
 */
export type { Account as TestAccount } from './accounts.ts';
export { TestAnswers } from './answers.ts';
export {
  type AddBlockOptions,
  type Admission,
  type TestBlock,
  TestChain,
  type TestChainOptions,
} from './chain.ts';
export {
  flipBit,
  type Tamper,
  type TestAnswer,
  type TestGateway,
  type TestGatewayOptions,
  type TestRequest,
  testGateway,
} from './gateway.ts';
export {
  type TestGenesisOptions,
  type TestValidator,
  testGenesis,
  testKey,
  testValidators,
} from './genesis.ts';
