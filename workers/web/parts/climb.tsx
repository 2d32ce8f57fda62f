/**
 * A Merkle path as a drawing: the leaf at the bottom, each sibling beside it, the root on top.
 */
import type { ClimbView } from '../model.ts';

const STEP_HEIGHT = 44;
const WIDTH = 640;
const BOX = { width: 190, height: 26 };
const CENTER = WIDTH / 2;
/** Steps drawn; a longer path says how many it leaves out. */
const MOST_STEPS = 24;

export function Climb({ climb }: { climb: ClimbView }) {
  const steps = climb.steps.slice(0, MOST_STEPS);
  const height = (steps.length + 1) * STEP_HEIGHT + 20;
  const levelY = (level: number) => height - 34 - level * STEP_HEIGHT;
  return (
    <figure style={{ margin: 0 }}>
      <svg class="climb" viewBox={`0 0 ${WIDTH} ${height}`} role="img" aria-label={describe(climb)}>
        <Node x={CENTER} y={levelY(0)} text={climb.leaf} on />
        {steps.map((step, index) => {
          const y = levelY(index);
          const above = levelY(index + 1);
          const siblingX = step.side === 'left' ? CENTER - 215 : CENTER + 215;
          return (
            <g
              key={`${index}:${step.result}`}
              class="rise"
              style={{ animationDelay: `${index * 90}ms` }}
            >
              <path
                d={`M${CENTER} ${y - 13}V${above + 13}M${siblingX} ${y - 13}Q${siblingX} ${above + 22} ${CENTER + (step.side === 'left' ? -95 : 95)} ${above}`}
              />
              <Node x={siblingX} y={y} text={step.sibling} />
              <Node x={CENTER} y={above} text={step.result} on />
              {(index === 0 || steps[index - 1]?.tree !== step.tree) && (
                <text class="soft-text" x={4} y={y - 18}>
                  {step.tree}
                </text>
              )}
            </g>
          );
        })}
      </svg>
      <figcaption class="soft">
        {climb.what}: {climb.steps.length} hashes lead from the leaf to a root that the validators
        signed.
        {climb.steps.length > MOST_STEPS && ` The first ${MOST_STEPS} are drawn.`}
      </figcaption>
    </figure>
  );
}

function Node({ x, y, text, on = false }: { x: number; y: number; text: string; on?: boolean }) {
  return (
    <>
      <rect
        class={on ? 'on' : ''}
        x={x - BOX.width / 2}
        y={y - BOX.height / 2}
        width={BOX.width}
        height={BOX.height}
        rx={5}
      >
        <title>{text}</title>
      </rect>
      <text x={x} y={y + 4} text-anchor="middle">
        {text.length > 24 ? `${text.slice(0, 12)}…${text.slice(-8)}` : text}
      </text>
    </>
  );
}

const describe = (climb: ClimbView): string =>
  `${climb.what}: a path of ${climb.steps.length} hashes from leaf ${climb.leaf.slice(0, 12)} to root ${climb.root.slice(0, 12)}`;
