package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"
)

// wildNames are names of files that whoever delivers logs may choose.
var wildNames = []string{
	"quote\"s'.json", "line\nwarning: forged.json", "tab\tand\x1b[31mred.json", "bytes\xff\xfe.json", "back\\slash`$(x).json", "turn\u202enosj.json",
}

// wildFiles writes for each name a file with one event and one that breaks off.
func wildFiles(t *testing.T, dir string) {
	t.Helper()
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	for i, name := range wildNames {
		event := fmt.Sprintf(`{"eventVersion":"1.08","eventID":"00000000-0000-4000-8000-%012d","eventTime":"2026-01-05T08:00:00Z","eventSource":"s3.amazonaws.com","eventName":"GetObject"}`, i)
		for path, text := range map[string]string{name: event + "\n", "broken " + name: `{"eventVersion":"1","eventID":"c","eventName":"Half` + "\n"} {
			path = filepath.Join(dir, path)
			if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
				t.Skip("the file system does not accept such names: ", err)
			}
			old := time.Now().Add(-time.Hour)
			if err := os.Chtimes(path, old, old); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// escaped checks that text a user sees shows names in one line each.
func escaped(t *testing.T, what, text string) {
	t.Helper()
	if !utf8.ValidString(text) || strings.ContainsAny(text, "\x1b\u202e") {
		t.Errorf("%s: bytes of a name are not escaped:\n%q", what, text)
	}
	for line := range strings.Lines(text) {
		if strings.HasPrefix(line, "warning: forged") {
			t.Errorf("%s: a name makes a line of its own:\n%s", what, text)
		}
	}
}

// wildSources checks what a search returns of the files.
func wildSources(t *testing.T, dir, out string) {
	t.Helper()
	var got, want []string
	for line := range strings.Lines(out) {
		var row struct{ Source string }
		if err := json.Unmarshal([]byte(line), &row); err != nil || !utf8.ValidString(line) {
			t.Fatalf("not a line of JSON: %q, %v", line, err)
		}
		got = append(got, row.Source)
	}
	for _, name := range wildNames {
		want = append(want, strings.ToValidUTF8(filepath.Join(dir, name), "\uFFFD"))
	}
	for i := range got { // how many replacements stand for bytes in a row is left open
		got[i] = strings.ReplaceAll(got[i], "\uFFFD\uFFFD", "\uFFFD")
	}
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("sources %q, want %q", got, want)
	}
}

// TestWildPaths: files with any name are ingested, by a command, by a command that
// a server runs and by a watched folder; warnings, doctor, the server's log and
// its metrics escape the names.
func TestWildPaths(t *testing.T) {
	const search = `eventName=GetObject | table source`
	for _, how := range []string{"command", "each file", "server", "each file by a server", "watched"} {
		t.Run(how, func(t *testing.T) {
			top := t.TempDir()
			in, data := filepath.Join(top, "in \"quoted\"\n"), filepath.Join(top, "data")
			wildFiles(t, in)
			config := filepath.Join(top, "bluetrail.yaml")
			if err := os.WriteFile(config, fmt.Appendf(nil, "sources:\n  - dir: %q\n", in), 0o600); err != nil {
				t.Fatal(err)
			}
			var log *logged
			switch how {
			case "watched":
				log, _ = startServer(t, data, "--config", config)
				for {
					code, out, errs := bluetrail(t, "search", "--data", data, "-o", "json", search)
					if code != exitDone {
						t.Fatal(code, errs)
					}
					if strings.Count(out, "\n") == len(wildNames) {
						break
					}
					time.Sleep(10 * time.Millisecond)
				}
			default:
				if strings.HasSuffix(how, "server") {
					log, _ = startServer(t, data)
				}
				paths := []string{in}
				if strings.HasPrefix(how, "each file") {
					paths = nil
					for _, name := range wildNames {
						paths = append(paths, filepath.Join(in, name), filepath.Join(in, "broken "+name))
					}
				}
				code, out, errs := bluetrail(t, append([]string{"ingest", "--data", data}, paths...)...)
				if code != exitPartly {
					t.Errorf("ingest: %d %s%s", code, out, errs)
				}
				if n := strings.Count(errs, "warning: "); n < len(wildNames) {
					t.Errorf("%d warnings:\n%s", n, errs)
				}
				escaped(t, "ingest", out+errs)
			}
			code, out, errs := bluetrail(t, "search", "--data", data, "-o", "json", search)
			if code != exitDone {
				t.Error(code, errs)
			}
			wildSources(t, in, out)
			_, out, errs = bluetrail(t, "doctor", "--data", data, "--config", config)
			if n := strings.Count(out, "\nnot ingested"); n != len(wildNames) {
				t.Errorf("doctor lists %d files:\n%s", n, out)
			}
			escaped(t, "doctor", out+errs)
			if log != nil {
				escaped(t, "log", log.String())
				exposed(t, scrape(t, log)) // every line is a sample
			}
		})
	}
}
