package result

import (
	"encoding/csv"
	"encoding/json"
	"errors"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"

	"bluetrail/internal/vector"

	"github.com/google/go-cmp/cmp"
	"github.com/mattn/go-runewidth"
)

// batch makes rows of name, value pairs; values are texts or lists of them.
func batch(rows ...[]any) *vector.Batch {
	b := vector.NewBuilder()
	for _, row := range rows {
		b.Add()
		for i := 0; i < len(row); i += 2 {
			switch v := row[i+1].(type) {
			case string:
				b.Set(row[i].(string), vector.String(v))
			case []string:
				b.Set(row[i].(string), vector.Strings(v))
			case float64:
				b.Set(row[i].(string), vector.Float(v))
			}
		}
	}
	return b.Batch()
}

// written writes batches and returns the output and the notes.
func written(t *testing.T, o Options, batches ...*vector.Batch) (string, []string) {
	t.Helper()
	var out strings.Builder
	w, err := New(&out, o)
	if err != nil {
		t.Fatal(err)
	}
	for _, b := range batches {
		if err := w.Write(b); err != nil {
			t.Fatal(err)
		}
	}
	notes, err := w.Close()
	if err != nil {
		t.Fatal(err)
	}
	return out.String(), notes
}

func TestFormats(t *testing.T) {
	rows := batch(
		[]any{"_time", 1700000000.5, "user", "ana", "n", "7", "ip", []string{"198.51.100.1", "198.51.100.2"}},
		[]any{"_time", 1700000001.0, "user", "bo", "n", "12"},
	)
	for _, tc := range []struct {
		o    Options
		want string
	}{
		{Options{Format: "json"}, `{"_time":"2023-11-14T22:13:20.500+00:00","user":"ana","n":"7","ip":["198.51.100.1","198.51.100.2"]}
{"_time":"2023-11-14T22:13:21.000+00:00","user":"bo","n":"12"}
`},
		{Options{Format: "csv"}, `_time,user,n,ip
2023-11-14T22:13:20.500+00:00,ana,7,"198.51.100.1
198.51.100.2"
2023-11-14T22:13:21.000+00:00,bo,12,
`},
		{Options{Format: "table", Width: 80}, `_time (UTC)          user   n  ip
───────────────────  ────  ──  ────────────
2023-11-14 22:13:20  ana    7  198.51.100.1
                               198.51.100.2
2023-11-14 22:13:21  bo    12
`},
		{Options{Format: "table", Width: 27}, `── 1 ──
_time (UTC)  2023-11-14 22:13:20
user         ana
n            7
ip           198.51.100.1
             198.51.100.2
── 2 ──
_time (UTC)  2023-11-14 22:13:21
user         bo
n            12
`},
	} {
		got, notes := written(t, tc.o, rows)
		if diff := cmp.Diff(tc.want, got); diff != "" || len(notes) > 0 {
			t.Errorf("%+v: %v\n%s", tc.o, notes, diff)
		}
	}
	if _, err := New(&strings.Builder{}, Options{Format: "yaml"}); err == nil || !strings.Contains(err.Error(), "table, list, json, csv, raw") {
		t.Errorf("an unknown format: %v", err)
	}
}

// TestSpareColumns: a table leaves out what may be left out until it fits, cuts no
// column that has to be whole, and says so; if that does not suffice, records have all.
func TestSpareColumns(t *testing.T) {
	rows := batch([]any{"time", "2026-03-01T10:00:00Z", "rule", "a_rule_with_a_long_name_that_goes_on", "entity", "arn:aws:iam::111122223333:user/somebody", "message", strings.Repeat("word ", 20), "id", strings.Repeat("5f", 16)})
	o := Options{Format: "table", Spare: []string{"message", "id", "none"}, Whole: []string{"time"}}
	for _, tc := range []struct {
		width int
		names string
		note  string
	}{
		{0, "time rule entity message id", ""},
		{250, "time rule entity message id", ""},
		{80, "time rule entity id", "message left out for lack of width; -o list shows all columns"},
		{60, "time rule entity", "message, id left out for lack of width; -o list shows all columns"},
		{40, "", ""},
	} {
		o.Width = tc.width
		out, notes := written(t, o, rows)
		head, _, _ := strings.Cut(out, "\n")
		if tc.names == "" {
			if !strings.HasPrefix(out, "── 1 ──") || !strings.Contains(out, "message") || !strings.Contains(out, "id ") || len(notes) > 0 {
				t.Errorf("width %d: %q\n%s", tc.width, notes, out)
			}
			continue
		}
		if got := strings.Join(strings.Fields(head), " "); got != tc.names || strings.Join(notes, "\n") != tc.note || !strings.Contains(out, "2026-03-01T10:00:00Z  ") {
			t.Errorf("width %d: columns %q, notes %q\n%s", tc.width, got, notes, out)
		}
		for line := range strings.Lines(out) {
			if n := runewidth.StringWidth(strings.TrimSuffix(line, "\n")); tc.width > 0 && n > tc.width {
				t.Errorf("width %d: %d columns: %s", tc.width, n, line)
			}
		}
	}
}

// hostile is text that an attacker may put into a user agent.
var hostile = []string{
	"\x1b]0;owned\x07\x1b[2J", "=HYPERLINK(\"http://198.51.100.1\")", "@SUM(1+1)", "-2+3+cmd|' /C calc'!A0", "a\nb,c\"d", "\u202egnp.exe", "\u009b31m",
	"\t=1+1", "\x00", "\x00=1", "\x01\x02=1", "\u200b=1", "\ufeff@x", " \u202e +1", "\u061c-x()", "＝1+1", "\xff=1", "\u2028x\u2029", "\U000e0041x", "a\rb",
	"\xff\xfe", "日本語", strings.Repeat("long ", 200),
}

// hidden are characters of hostile that must not reach a terminal.
const hidden = "\x00\x01\x02\x07\x1b\t\r\u009b\u061c\u200b\u2028\u2029\u202e\ufeff\U000e0041"

func TestHostileValues(t *testing.T) {
	for _, v := range hostile {
		rows := batch([]any{"userAgent", v, v + "!", "x"})
		for _, width := range []int{0, 20, 80} {
			out, _ := written(t, Options{Format: "table", Width: width}, rows)
			for _, r := range out {
				if r < ' ' && r != '\n' || r >= 0x7f && r < 0xa0 || strings.ContainsRune("\u202e\u061c\u2028\u2029\u200b\ufeff\U000e0041", r) {
					t.Errorf("%q reaches the terminal as %q", v, out)
				}
			}
			if n := strings.Count(out, "\n"); n > 6 && len(v) < 100 {
				t.Errorf("%q makes %d lines at width %d", v, n, width)
			}
		}
		out, _ := written(t, Options{Format: "csv"}, rows)
		cells, err := csv.NewReader(strings.NewReader(out)).ReadAll()
		if err != nil || len(cells) != 2 || len(cells[1]) != 2 {
			t.Fatalf("%q as CSV: %q %v", v, out, err)
		}
		for _, line := range cells {
			for _, cell := range line {
				if begin := strings.TrimLeft(cell, "\x00\x01\x02 \u200b\ufeff\u202e\u061c\ufffd\u2028"); begin != "" && strings.ContainsAny(begin[:1], "=+-@\t|%") || strings.HasPrefix(begin, "＝") {
					t.Errorf("%q is a formula in CSV: %q", v, cell)
				}
			}
		}
		out, _ = written(t, Options{Format: "csv", Terminal: true}, rows)
		if strings.ContainsAny(out, hidden) {
			t.Errorf("%q reaches the terminal as CSV: %q", v, out)
		}
		out, _ = written(t, Options{Format: "json"}, rows)
		var row map[string]string
		if err := json.Unmarshal([]byte(out), &row); err != nil {
			t.Fatalf("%q as JSON: %v", v, err)
		}
		if want := strings.ToValidUTF8(v, "\ufffd"); utf8.ValidString(v) && row["userAgent"] != want {
			t.Errorf("%q comes back as %q", v, row["userAgent"])
		}
		if strings.ContainsAny(out, hidden) {
			t.Errorf("%q is not escaped in JSON: %q", v, out)
		}
	}
}

func TestNumbersStayNumbersInCSV(t *testing.T) {
	out, _ := written(t, Options{Format: "csv"}, batch([]any{"change", "-7.5", "sum", "+3"}))
	if want := "change,sum\n-7.5,+3\n"; out != want {
		t.Errorf("%q, want %q", out, want)
	}
}

// TestLateColumns: columns that appear after the header are omitted, with a
// note.
func TestLateColumns(t *testing.T) {
	var many [][]any
	for range headerRows {
		many = append(many, []any{"a", "1"})
	}
	late := batch([]any{"a", "2", "b", "3"})
	for _, format := range []string{"csv", "table"} {
		out, notes := written(t, Options{Format: format}, batch(many...), late)
		if len(notes) != 1 || !strings.HasPrefix(notes[0], "1 column appeared") || strings.Contains(out, "3") {
			t.Errorf("%s: %q", format, notes)
		}
	}
	if out, notes := written(t, Options{Format: "csv"}, batch([]any{"a", "1"}), late); out != "a,b\n1,\n2,3\n" || len(notes) > 0 {
		t.Errorf("columns of the first rows: %q %q", out, notes)
	}
}

// TestEventsShowAChoice: events have more fields than fit on a terminal.
func TestEventsShowAChoice(t *testing.T) {
	row := []any{"_time", 1700000000.0, "eventName", "ConsoleLogin", "_raw", "{}"}
	for _, f := range strings.Fields("a b c d e f g h i j") {
		row = append(row, f, "x")
	}
	out, notes := written(t, Options{Format: "table", Events: true}, batch(row))
	if !strings.Contains(out, "ConsoleLogin") || strings.Contains(out, "{}") || len(notes) != 1 || !strings.Contains(notes[0], "2 of 12") {
		t.Errorf("%s\n%q", out, notes)
	}
}

func TestManyValuesAreCut(t *testing.T) {
	values := make([]string, 100)
	for i := range values {
		values[i] = "v"
	}
	rows := batch([]any{"a", values})
	out, _ := written(t, Options{Format: "table", Width: 80}, rows)
	if n := strings.Count(out, "\n"); n != maxLines+2 || !strings.Contains(out, "81 more") {
		t.Errorf("%d lines:\n%s", n, out)
	}
	out, _ = written(t, Options{Format: "table"}, rows)
	if n := strings.Count(out, "\n"); n != 102 {
		t.Errorf("a pipe gets %d lines of 102:\n%s", n, out)
	}
}

const roleARN = "arn:aws:sts::111122223333:assumed-role/OrganizationAccountAccessRole/ana.ruiz@example.com"

// TestTheMiddleGoes: a value that does not fit keeps both ends. The time is
// never cut, and a pipe gets everything.
func TestTheMiddleGoes(t *testing.T) {
	long := strings.Repeat("x", maxPad) + "end"
	rows := batch([]any{"_time", 1700000000.0, "arn", roleARN, "agent", "aws-cli/2.15.30 Python/3.11 exe/x86_64 command/iam.create-user"}, []any{"arn", long})
	out, _ := written(t, Options{Format: "table", Width: 80}, rows)
	for _, line := range strings.Split(out, "\n") {
		if n := runewidth.StringWidth(line); n > 80 {
			t.Errorf("a line of %d columns: %s", n, line)
		}
	}
	for _, want := range []string{"2023-11-14 22:13:20  ", "  arn:aws:sts::", "…", "iz@example.com", "create-user"} {
		if !strings.Contains(out, want) {
			t.Errorf("%q is not in\n%s", want, out)
		}
	}
	out, _ = written(t, Options{Format: "table"}, rows)
	if strings.Contains(out, "…") || !strings.Contains(out, roleARN) || !strings.Contains(out, long) {
		t.Errorf("cut in a pipe:\n%s", out)
	}
}

// TestNarrowEvents: a narrow terminal shows fewer fields, and counts the hidden
// ones correctly.
func TestNarrowEvents(t *testing.T) {
	row := []any{"_time", 1700000000.0, "awsRegion", "ap-southeast-2", "eventSource", "monitoring.amazonaws.com", "eventName", "DescribeInstanceAttribute",
		"user", "ana.ruiz@example.com", "sourceIPAddress", "elasticmapreduce.amazonaws.com", "errorCode", "Client.UnauthorizedOperation"}
	for _, f := range strings.Fields("a b c d") {
		row = append(row, f, "x")
	}
	out, notes := written(t, Options{Format: "table", Width: 80, Events: true}, batch(row))
	if strings.Contains(out, "awsRegion") || !strings.Contains(out, "eventName") || !strings.Contains(out, "2023-11-14 22:13:20  ") || !strings.HasPrefix(notes[0], "showing 5 of 11 fields") {
		t.Errorf("%s\n%q", out, notes)
	}
	out, _ = written(t, Options{Format: "table", Width: 200, Events: true}, batch(row))
	if !strings.Contains(out, "ap-southeast-2") || strings.Contains(out, "…") {
		t.Errorf("on a wide terminal:\n%s", out)
	}
}

func TestRecordsWrap(t *testing.T) {
	rows := batch([]any{"_time", 1700000000.0, "_raw", "{}", "arn", roleARN, "none", ""})
	out, _ := written(t, Options{Format: "list", Width: 50, Events: true}, rows)
	if diff := cmp.Diff(`── 1 ──
_time (UTC)  2023-11-14 22:13:20
arn          arn:aws:sts::111122223333:assumed-rol
             e/OrganizationAccountAccessRole/
             ana.ruiz@example.com
none         
`, out); diff != "" {
		t.Error(diff)
	}
}

func TestNoRowsNoHeading(t *testing.T) {
	if out, notes := written(t, Options{Format: "table"}, vector.NewBuilder("a", "b").Batch()); out != "" || len(notes) > 0 {
		t.Errorf("%q %q", out, notes)
	}
}

func TestRawRecords(t *testing.T) {
	rows := batch([]any{"_raw", "{\n  \"a\": \"b c\",\n  \"n\": [1, 2]\n}"}, []any{"_raw", `{"a":  1}`}, []any{"_raw", "no JSON\nat all"}, []any{"_raw", "\x1b[2J"})
	out, _ := written(t, Options{Format: "raw"}, rows)
	if want := "{\"a\":\"b c\",\"n\":[1,2]}\n{\"a\":  1}\nno JSON\\nat all\n\x1b[2J\n"; out != want {
		t.Errorf("%q, want %q", out, want)
	}
	if out, _ = written(t, Options{Format: "raw", Terminal: true}, rows); strings.Contains(out, "\x1b") {
		t.Errorf("an escape reaches the terminal: %q", out)
	}
	w, err := New(&strings.Builder{}, Options{Format: "raw"})
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Write(batch([]any{"count", "1"})); err == nil || !strings.Contains(err.Error(), "-o json") {
		t.Errorf("a table as raw records: %v", err)
	}
}

func TestColours(t *testing.T) {
	rows := batch([]any{"errorCode", "AccessDenied", "severity", "high", "n", "1"}, []any{"errorCode", "success", "severity", "none", "n", "2"})
	out, _ := written(t, Options{Format: "table", Width: 80, Colour: true}, rows)
	if n := strings.Count(out, "\x1b[31m"); n != 2 || !strings.Contains(out, "\x1b[31mAccessDenied\x1b[0m") || strings.Contains(out, "msuccess") {
		t.Errorf("%q", out)
	}
	if out, _ = written(t, Options{Format: "table", Width: 80, Terminal: true}, rows); strings.Contains(out, "\x1b") {
		t.Errorf("colours without being asked: %q", out)
	}
}

// TestCancelledRow holds that a row of many fields, or of large ones, is left out as
// a whole when the search is cancelled within it.
func TestCancelledRow(t *testing.T) {
	wide, big := &vector.Batch{Len: 1}, &vector.Batch{Len: 1}
	for i := range 5000 {
		wide.Cols = append(wide.Cols, vector.Constant("k"+strconv.Itoa(i), vector.Int(i)))
	}
	for i := range 8 {
		big.Cols = append(big.Cols, vector.Constant("k"+strconv.Itoa(i), vector.String(strings.Repeat("v ", 200_000))))
	}
	for name, b := range map[string]*vector.Batch{"wide": wide, "big": big} {
		t.Run(name, func(t *testing.T) {
			stopped, asked := errors.New("stopped"), 0
			var out strings.Builder
			w, err := New(&out, Options{Format: "json", Cancelled: func() error {
				if asked++; asked == 3 {
					return stopped
				}
				return nil
			}})
			if err != nil {
				t.Fatal(err)
			}
			if err := w.Write(b); !errors.Is(err, stopped) || out.Len() > 0 {
				t.Errorf("Write: %v, with %d bytes written; asked %d times", err, out.Len(), asked)
			}
		})
	}
}

// TestCancelledWhileWriting holds that every writer asks within wide and large
// rows whether to go on, also while it measures the columns of a table.
func TestCancelledWhileWriting(t *testing.T) {
	wide := &vector.Batch{Len: 1}
	for i := range 60_000 {
		wide.Cols = append(wide.Cols, vector.Constant("k"+strconv.Itoa(i), vector.Int(i)))
	}
	large := vector.NewBuilder()
	for range 40 {
		large.Add()
		large.Set("k", vector.String(strings.Repeat("v ", 20_000)))
	}
	for name, b := range map[string]*vector.Batch{"wide": wide, "large": large.Batch()} {
		for _, o := range []Options{{Format: "table"}, {Format: "table", Width: 80}, {Format: "list"}, {Format: "list", Width: 80}, {Format: "csv"}, {Format: "json"}} {
			stopped := errors.New("stopped")
			o.Cancelled = func() error { return stopped }
			w, err := New(&strings.Builder{}, o)
			if err != nil {
				t.Fatal(err)
			}
			err = w.Write(b)
			if err == nil {
				_, err = w.Close()
			}
			if !errors.Is(err, stopped) {
				t.Errorf("%s as %s at width %d: %v", name, o.Format, o.Width, err)
			}
		}
	}
}

// TestLongValues holds that wrapping and shortening look at a long value once.
func TestLongValues(t *testing.T) {
	long := strings.Repeat("é", 4<<20)
	lines := wrap(long, 80)
	if n := len(lines); n != (4<<20+79)/80 || strings.Join(lines, "") != long {
		t.Errorf("%d lines", n)
	}
	short := shorten("begin"+long+"end", 20)
	if !strings.HasPrefix(short, "begin") || !strings.HasSuffix(short, "end") || runewidth.StringWidth(short) != 20 {
		t.Errorf("%q", short)
	}
}
