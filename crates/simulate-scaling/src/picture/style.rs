//! The style sheet, for light and dark pages.

/// The colours can be told apart without red and green too: each series also has a distinct shape.
pub(super) const CSS: &str = "
svg { --paper: #ffffff; --ink: #1f2328; --muted: #59636e; --grid: #e7eaee; --axis: #b6bec8; --metric: #0b6bcb; --target: #b35900;
  --actual: #10753a; --desired: #7c3aed; --high: #d1242f; --low: #0e7490; --band: #64748b; }
@media (prefers-color-scheme: dark) {
  svg { --paper: #0d1117; --ink: #e6edf3; --muted: #9aa4af; --grid: #21262d; --axis: #474f59; --metric: #58a6ff; --target: #f0a35e;
    --actual: #4ac26b; --desired: #b392f0; --high: #ff7b72; --low: #39c5cf; --band: #8b98a9; }
}
text { font: 12px system-ui, -apple-system, 'Segoe UI', Roboto, 'DejaVu Sans', sans-serif; fill: var(--ink); }
.heading { font-size: 16px; font-weight: 600; }
.name { font-size: 13px; font-weight: 600; }
.small { fill: var(--muted); font-size: 11.5px; }
.tick { fill: var(--muted); font-size: 11px; font-variant-numeric: tabular-nums; }
.day { fill: var(--ink); font-weight: 600; }
.paper { fill: var(--paper); }
.grid { stroke: var(--grid); }
.axis { stroke: var(--axis); }
.metric { fill: none; stroke: var(--metric); stroke-width: 1.8; stroke-linejoin: round; stroke-linecap: round; }
.envelope { fill: var(--metric); fill-opacity: 0.35; stroke: var(--metric); stroke-width: 0.8; stroke-linejoin: round; }
.second { stroke-dasharray: 5 3; stroke-opacity: 0.75; }
.target { stroke: var(--target); stroke-width: 1.5; stroke-dasharray: 7 4; }
.low { stroke: var(--low); stroke-width: 1.2; stroke-dasharray: 2 3; }
.alarm-high { fill: var(--high); fill-opacity: 0.15; }
.alarm-low { fill: var(--low); fill-opacity: 0.15; }
.edge { fill-opacity: 0.9; }
.band { fill: var(--band); fill-opacity: 0.11; }
.actual { fill: none; stroke: var(--actual); stroke-width: 2.4; }
.desired { fill: none; stroke: var(--desired); stroke-opacity: 0.35; stroke-width: 7; }
.mark { stroke: var(--paper); stroke-width: 1; }
.out { fill: var(--high); }
.in { fill: var(--low); }
.scheduled { stroke: var(--muted); stroke-width: 1.2; stroke-dasharray: 1 3; }
.scheduled-mark { fill: var(--muted); }
.not-scaled { fill: var(--paper); stroke: var(--muted); stroke-width: 1.4; }
.failed { fill: none; stroke: var(--high); stroke-width: 2.4; stroke-linecap: round; }
";
