/** Hands the example's function to the engine, as an app's entry file would use it. */
import { verifyPayment } from '../../docs/examples/verify-payment-react-native.js';

globalThis.verifyPayment = verifyPayment;
