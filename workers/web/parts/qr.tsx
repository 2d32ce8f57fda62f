/**
 * A text as a QR code, drawn as one SVG path. Its code is loaded when the first one is shown.
 */
import { useEffect, useState } from 'preact/hooks';

export function QrCode({ text }: { text: string }) {
  const [drawn, setDrawn] = useState<{ path: string; size: number } | null>(null);
  useEffect(() => {
    let live = true;
    void draw(text).then((value) => live && setDrawn(value));
    return () => {
      live = false;
    };
  }, [text]);
  if (drawn === null) return <div class="qr" />;
  const { path, size } = drawn;
  return (
    <svg class="qr" viewBox={`0 0 ${size} ${size}`} role="img" aria-label={`QR code of ${text}`}>
      <path d={path} fill="#000" />
    </svg>
  );
}

async function draw(text: string): Promise<{ path: string; size: number }> {
  const { default: qrcode } = await import('qrcode-generator');
  const code = qrcode(0, 'M');
  code.addData(text);
  code.make();
  const size = code.getModuleCount();
  let path = '';
  for (let row = 0; row < size; row++) {
    for (let column = 0; column < size; column++) {
      if (code.isDark(row, column)) path += `M${column} ${row}h1v1h-1z`;
    }
  }
  return { path, size };
}
