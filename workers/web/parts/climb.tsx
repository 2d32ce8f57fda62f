/**
 * A payment's way up as a drawing: its hash at the bottom, each sibling beside it, on top the root
 * that the validators signed. Once for wide screens and once for narrow ones; the style shows one.
 */
import type { ClimbView } from '../model.ts';

interface Shape {
  readonly width: number;
  readonly box: number;
  /** How far beside the middle a sibling stands. */
  readonly aside: number;
  readonly head: number;
  readonly tail: number;
}

const WIDE: Shape = { width: 640, box: 190, aside: 215, head: 12, tail: 8 };
const NARROW: Shape = { width: 320, box: 102, aside: 108, head: 5, tail: 4 };
const STEP_HEIGHT = 46;
const BOX_HEIGHT = 26;
/** Steps drawn; a longer path says how many it leaves out. */
const MOST_STEPS = 24;

export function Climb({ climb }: { climb: ClimbView }) {
  const pairs = climb.steps.filter(({ kind }) => kind === 'pair').length;
  return (
    <figure class="figure">
      <Drawing climb={climb} shape={WIDE} name="climb wide" />
      <Drawing climb={climb} shape={NARROW} name="climb narrow" />
      <figcaption class="soft">
        <a href={`#/payment/${climb.id}`}>Payment {climb.id.slice(0, 10)}…</a> is in block{' '}
        <a href={`#/block/${climb.height}`}>{climb.height}</a>: {pairs}{' '}
        {pairs === 1 ? 'hash leads' : 'hashes lead'} from it, through the block's header, to the
        root that the validators signed.
        {climb.steps.length > MOST_STEPS && ` The first ${MOST_STEPS} steps are drawn.`}
      </figcaption>
    </figure>
  );
}

function Drawing({ climb, shape, name }: { climb: ClimbView; shape: Shape; name: string }) {
  const { width, box, aside } = shape;
  const steps = climb.steps.slice(0, MOST_STEPS);
  const height = steps.length * STEP_HEIGHT + 74;
  const center = width / 2;
  const levelY = (level: number) => height - 34 - level * STEP_HEIGHT;
  return (
    <svg class={name} viewBox={`0 0 ${width} ${height}`} role="img" aria-label={describe(climb)}>
      <Node x={center} y={levelY(0)} text={climb.leaf} shape={shape} on />
      <Label x={center} y={levelY(0) + 27} text="the payment" />
      {steps.map((step, index) => {
        const y = levelY(index);
        const above = levelY(index + 1);
        const sign = step.kind === 'pair' && step.side === 'left' ? -1 : 1;
        const siblingX = center + sign * aside;
        return (
          <g
            key={`${climb.id}:${index}`}
            class="rise"
            style={{ animationDelay: `${index * 90}ms` }}
          >
            <path
              class={step.kind === 'header' ? 'dashed' : undefined}
              d={`M${center} ${y - 13}V${above + 13}`}
            />
            {step.kind === 'pair' ? (
              <>
                <path
                  d={`M${siblingX} ${y - 13}Q${siblingX} ${above} ${center + (sign * box) / 2} ${above}`}
                />
                <Node x={siblingX} y={y} text={step.sibling} shape={shape} />
              </>
            ) : (
              <text class="soft-text" x={center + box / 2 + 8} y={above + 4}>
                header {step.height}
              </text>
            )}
            <Node x={center} y={above} text={step.result} shape={shape} on />
          </g>
        );
      })}
      <Label x={center} y={levelY(steps.length) - 21} text="signed root" />
    </svg>
  );
}

function Label({ x, y, text }: { x: number; y: number; text: string }) {
  return (
    <text class="soft-text" x={x} y={y} text-anchor="middle">
      {text}
    </text>
  );
}

function Node(props: { x: number; y: number; text: string; shape: Shape; on?: boolean }) {
  const { x, y, text, shape, on = false } = props;
  return (
    <>
      <rect
        class={on ? 'on' : ''}
        x={x - shape.box / 2}
        y={y - BOX_HEIGHT / 2}
        width={shape.box}
        height={BOX_HEIGHT}
        rx={5}
      >
        <title>{text}</title>
      </rect>
      <text x={x} y={y + 4} text-anchor="middle">
        {text.slice(0, shape.head)}…{text.slice(-shape.tail)}
      </text>
    </>
  );
}

const describe = ({ id, height, steps }: ClimbView): string =>
  `Payment ${id.slice(0, 10)} in block ${height}: ${steps.length} steps from its hash to the signed root`;
