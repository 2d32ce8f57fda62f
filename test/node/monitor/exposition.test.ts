import { describe, expect, it } from 'vitest';
import { quantiles, Scrape } from '../../../node/monitor/exposition.ts';

const text = `# HELP latency Time
# TYPE latency histogram
latency_bucket{le="0.5",chain_id="a b\\"c"} 10
latency_bucket{le="1"} 30
latency_bucket{le="+Inf"} 40
peers{direction="inbound"} 2
peers{direction="outbound"} 3
not a sample
`;

describe('a scrape', () => {
  it('reads names, labels and values, and passes over the rest', () => {
    const scrape = new Scrape(text);
    expect(scrape.sum('peers')).toBe(5);
    expect(scrape.sum('peers', { direction: 'inbound' })).toBe(2);
    expect(scrape.all('latency_bucket')[0]?.labels.chain_id).toBe('a b"c');
    expect(scrape.sum('absent')).toBeNull();
  });
});

describe('quantiles', () => {
  it('lie linearly within the bucket that holds them', () => {
    expect(quantiles(null, new Scrape(text), 'latency', [0.25, 0.5])).toEqual([0.5, 0.75]);
  });

  it('count only what came between two scrapes', () => {
    const later = new Scrape(
      text
        .replace('"0.5",chain_id="a b\\"c"} 10', '"0.5"} 20')
        .replace('30', '40')
        .replace('40\npeers', '50\npeers'),
    );
    expect(quantiles(new Scrape(text), later, 'latency', [0.5])).toEqual([0.25]);
  });

  it('are unknown when nothing was observed', () => {
    const scrape = new Scrape(text);
    expect(quantiles(scrape, scrape, 'latency', [0.5])).toBeNull();
  });
});
