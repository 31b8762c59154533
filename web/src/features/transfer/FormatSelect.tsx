import { useText } from "../../i18n";
import { Select } from "../../ui/Field";

export type Format = "json" | "csv" | "markdown";

/** Which kind of file; each says what it is good for. */
export function FormatSelect({
  format,
  onChange,
}: {
  format: Format;
  onChange: (format: Format) => void;
}) {
  const t = useText().transfer;
  return (
    <Select
      label={t.format}
      hint={t.formatHints[format]}
      value={format}
      onChange={({ target }) => onChange(target.value as Format)}
    >
      {(Object.keys(t.formats) as Format[]).map((one) => (
        <option key={one} value={one}>
          {t.formats[one]}
        </option>
      ))}
    </Select>
  );
}
