/** Add Fanal to a wallet: follow, show, pay, and keep a receipt. Every answer is checked here. */
import * as fanal from 'fanal';
export declare function addFanal(
  genesisId: string,
  gateways: string[],
  words: string,
): Promise<{
  address: () => string;
  balance: () => string;
  pay(address: string, coins: string, note?: string): Promise<string>;
  onChange: (show: (coins: string) => void) => fanal.StopWatching;
}>;
