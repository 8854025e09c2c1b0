/** Heat maps and cohorts: tables, since that is what they are; the cell's colour repeats its value. */

export interface GridCell {
  label: string;
  value: number;
  text: string;
  shown: string;
  pick?: (() => void) | undefined;
}

const STEPS = 8;

export function Grid(props: {
  label: string;
  corner: string;
  columns: string[];
  rows: { name: string; cells: (GridCell | null)[] }[];
  most: number;
}) {
  return (
    <div class="scroll">
      <table class="grid">
        <caption class="unseen">{props.label}</caption>
        <thead>
          <tr>
            <th scope="col">{props.corner}</th>
            {props.columns.map((name) => <th key={name} scope="col">{name}</th>)}
          </tr>
        </thead>
        <tbody>
          {props.rows.map((row) => (
            <tr key={row.name}>
              <th scope="row">{row.name}</th>
              {row.cells.map((cell, index) => (
                <td key={index} class={cell ? `heat${Math.round((STEPS * cell.value) / (props.most || 1))}` : "heat0"}>
                  {cell && (cell.pick ? (
                    <button type="button" aria-label={`${cell.label}: ${cell.text}`} title={`${cell.label}: ${cell.text}`} onClick={cell.pick}>
                      {cell.shown}
                    </button>
                  ) : cell.shown)}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
