/**
 * What the page and its verifying worker say to each other: plain data, structured-cloneable.
 *
 * Every figure says where it comes from: `proved` was checked against a certified checkpoint in
 * this browser; `reported` is what a server said.
 */

/** How sure the light client is of its tip. */
export type Verdict =
  | { readonly kind: 'syncing'; readonly note: string }
  | { readonly kind: 'fresh'; readonly ageSeconds: number }
  | { readonly kind: 'stale'; readonly sinceMillis: number }
  /** `sinceMillis` is null when nothing has been proved on this visit yet. */
  | { readonly kind: 'offline'; readonly reason: string; readonly sinceMillis: number | null }
  | { readonly kind: 'forked'; readonly evidence: string }
  | {
      readonly kind: 'refused';
      readonly step: string;
      readonly reason: string;
      readonly code: string;
      readonly hint: string | null;
    };

/** What the page needs to know of the chain before anything is verified. */
export interface ChainView {
  readonly origin: string;
  readonly genesisId: string;
  readonly networkPrefix: string;
  /** The trust anchor came with an earlier visit, or was taken from this server just now. */
  readonly anchor: 'pinned' | 'first-visit';
  readonly faucet: boolean;
}

export interface TipView {
  readonly height: string;
  readonly epoch: number;
  readonly timeMillis: number;
  readonly transactionCount: number;
  readonly blockId: string;
  readonly logRoot: string;
  readonly stateRoot: string;
  /** Milliseconds that this browser spent on verifying the last update. */
  readonly verifyMillis: number;
}

/** One signature of the newest checkpoint, as this browser finds it. */
export interface SignatureView {
  readonly name: string;
  /** Share of the whole stake, 0 to 1. */
  readonly share: number;
  readonly state: 'waiting' | 'checked' | 'refused' | 'spare';
}

export interface SignaturesView {
  readonly height: string;
  readonly signatures: readonly SignatureView[];
  /** Share of the stake whose signatures were really checked, 0 to 1. */
  readonly checkedShare: number;
  readonly certified: boolean;
}

/** One step up: two hashes become one, or a root is found again inside a header. */
export type ClimbStep =
  | {
      readonly kind: 'pair';
      readonly side: 'left' | 'right';
      readonly sibling: string;
      readonly result: string;
    }
  | { readonly kind: 'header'; readonly height: string; readonly result: string };

/** The way of a payment from its own hash to the root that the validators signed. */
export interface ClimbView {
  readonly id: string;
  readonly height: string;
  readonly leaf: string;
  readonly steps: readonly ClimbStep[];
}

export interface BlockView {
  readonly height: string;
  readonly epoch: number;
  readonly timeMillis: number;
  readonly blockId: string;
  readonly stateRoot: string;
  readonly transactionRoot: string;
  readonly transactions: readonly string[];
}

export interface PaymentView {
  readonly id: string;
  readonly height: string;
  readonly timeMillis: number;
  readonly inputs: number;
  readonly outputs: readonly { readonly address: string; readonly amount: string }[];
  readonly note: string;
  readonly climb: ClimbView;
  /** The receipt file, ready to save. */
  readonly receipt: string;
}

export interface HistoryLine {
  readonly height: string;
  readonly id: string;
  readonly received: string;
  readonly spent: string;
}

export interface AddressView {
  readonly address: string;
  /** False: proved never to have been used. */
  readonly used: boolean;
  readonly balance: string;
  readonly coinCount: string;
  readonly historySize: string;
  /** The newest entries, newest first: all of them when there are as many as `historySize`. */
  readonly history: readonly HistoryLine[];
  readonly height: string;
}

export interface ValidatorView {
  readonly name: string;
  readonly share: number;
  readonly stake: string;
  /** Reported by a server, unlike the rest. */
  readonly cosigned: number | null;
  readonly rounds: string | null;
}

/** One line of what the verifier did, with its outcome. */
export interface TrialStep {
  readonly step: string;
  readonly outcome: 'passed' | 'refused';
  readonly detail: string;
}

/** The three ways a visitor can try to fool the verifier. */
export type TrialKind = 'byte' | 'signatures' | 'liar';

export interface TrialView {
  readonly kind: TrialKind;
  /** What was changed, for a person. */
  readonly attack: string;
  readonly steps: readonly TrialStep[];
  readonly refused: boolean;
  readonly code: string | null;
}

export interface ReceiptView {
  readonly ok: boolean;
  readonly steps: readonly TrialStep[];
  readonly payment: {
    readonly id: string;
    readonly height: string;
    readonly timeMillis: number;
  } | null;
}

export interface WalletView {
  readonly address: string;
  readonly balance: string;
  /** Newest first. */
  readonly payments: readonly WalletPayment[];
}

/** A payment of this visit, from sending it to its proof. */
export interface WalletPayment {
  readonly id: string;
  readonly what: string;
  readonly stage: 'sent' | 'proved' | 'failed';
  /** Why it failed, and what that means. */
  readonly reason: string | null;
}

/** What the page asks of the worker, and what it answers. */
export interface Requests {
  start: { ask: { base: string }; answer: ChainView };
  block: { ask: { height: string }; answer: BlockView | null };
  payment: { ask: { id: string }; answer: PaymentView | null };
  address: { ask: { address: string; lines: number }; answer: AddressView };
  validators: { ask: Record<string, never>; answer: readonly ValidatorView[] };
  trial: { ask: { kind: TrialKind }; answer: TrialView };
  receipt: { ask: { text: string }; answer: ReceiptView };
  walletOpen: { ask: { words: string | null }; answer: { words: string; wallet: WalletView } };
  walletFaucet: { ask: Record<string, never>; answer: { id: string } };
  walletSend: { ask: { to: string; amount: string; note: string }; answer: { id: string } };
  forget: { ask: Record<string, never>; answer: null };
}

export type RequestName = keyof Requests;

/** What the worker says unasked. */
export type Notice =
  | { readonly kind: 'verdict'; readonly verdict: Verdict }
  | { readonly kind: 'tip'; readonly tip: TipView }
  | { readonly kind: 'signatures'; readonly view: SignaturesView }
  | { readonly kind: 'climb'; readonly climb: ClimbView }
  | { readonly kind: 'silent'; readonly names: readonly string[] }
  | { readonly kind: 'wallet'; readonly wallet: WalletView };

/** A refusal that crossed from the worker. */
export interface Refusal {
  readonly code: string;
  readonly message: string;
  readonly hint: string | null;
  /** The step of the verifier that refused; null when nothing was verified. */
  readonly step: string | null;
}

export type FromPage = {
  [Name in RequestName]: {
    readonly id: number;
    readonly name: Name;
    readonly ask: Requests[Name]['ask'];
  };
}[RequestName];

export type FromWorker =
  | { readonly id: number; readonly answer: unknown }
  | { readonly id: number; readonly refusal: Refusal }
  | { readonly notice: Notice };
