#!/usr/bin/env python3
"""Makes docs/terminal.svg out of what a terminal shows:

  tmux new-session -d -x 100 -y 30 -s picture     # and run there what is to be seen
  tmux capture-pane -p -t picture | scripts/terminal_picture.py > docs/terminal.svg
"""
import html
import sys

CHARACTER, LINE, MARGIN = 8.4, 19, 16  # pixels, of a 14 px monospaced font

lines = sys.stdin.read().rstrip().split("\n")
width = 100 * CHARACTER + 2 * MARGIN
height = len(lines) * LINE + 2 * MARGIN
print(f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0f} {height}" width="{width:.0f}" height="{height}" role="img" '
      'aria-label="gemtune in the terminal">')
print(f'<rect width="100%" height="100%" rx="8" fill="#1b1f24"/>')
print('<g font-family="ui-monospace, SFMono-Regular, Menlo, Consolas, \'DejaVu Sans Mono\', monospace" font-size="14" fill="#d7dde4" '
      'xml:space="preserve">')
for number, line in enumerate(lines):
    colour = ' fill="#7ee787"' if line.startswith("$ ") else ""
    # Each line as wide as its characters, whatever font there is.
    print(f'<text x="{MARGIN}" y="{MARGIN + (number + 0.75) * LINE:.0f}" textLength="{len(line) * CHARACTER:.1f}"{colour}>{html.escape(line)}</text>'
          if line else "", end="\n" if line else "")
print("</g>\n</svg>")
