package main

import (
	"flag"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write what the commands print into the documents")

// transcriptTrail makes the files that the transcripts work on. The documents
// name this command, so that readers can follow.
var transcriptTrail = []string{"generate", "--out", ".", "--events", "20000", "--end", "2026-06-30T12:00:00Z"}

// TestTranscripts runs the commands of ```console blocks in README.md and docs,
// those of a document one after another in a folder of its own, and compares
// what they print. A command begins with "$ "; indented lines
// go on with it: after a quote that is open, or a pipe.
func TestTranscripts(t *testing.T) {
	root := filepath.Join("..", "..")
	docs := []string{filepath.Join(root, "README.md")}
	if err := filepath.WalkDir(filepath.Join(root, "docs"), func(path string, d fs.DirEntry, err error) error {
		if err == nil && filepath.Ext(path) == ".md" {
			docs = append(docs, path)
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
	trail := t.TempDir()
	bin := t.TempDir()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(exe, filepath.Join(bin, "bluetrail")); err != nil { // see TestMain
		t.Fatal(err)
	}
	ran := 0
	for _, doc := range docs {
		text, err := os.ReadFile(doc)
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(string(text), consoleFence) {
			continue
		}
		if ran == 0 {
			shell(t, trail, bin, "bluetrail -q "+strings.Join(transcriptTrail, " "))
		}
		ran++
		t.Run(filepath.Base(doc), func(t *testing.T) {
			dir := t.TempDir()
			if err := os.Symlink(filepath.Join(trail, "AWSLogs"), filepath.Join(dir, "AWSLogs")); err != nil {
				t.Fatal(err)
			}
			got := replay(t, string(text), dir, bin)
			if *update {
				if err := os.WriteFile(doc, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			if diff := cmp.Diff(strings.Split(string(text), "\n"), strings.Split(got, "\n")); diff != "" {
				t.Errorf("%s is not what the commands print (-document +commands); go test ./cmd/bluetrail -run Transcripts -update writes it:\n%s", doc, diff)
			}
		})
	}
	if ran == 0 {
		t.Error("no document has a transcript")
	}
}

const consoleFence = "```console\n"

// replay returns a document with the output of its commands.
func replay(t *testing.T, text, dir, bin string) string {
	var out, command strings.Builder
	inside := false
	run := func() {
		if command.Len() > 0 {
			out.WriteString(shell(t, dir, bin, command.String()))
			command.Reset()
		}
	}
	for line := range strings.Lines(text) {
		switch {
		case !inside:
			inside = line == consoleFence
			out.WriteString(line)
		case line == "```\n":
			run()
			inside = false
			out.WriteString(line)
		case strings.HasPrefix(line, "$ "):
			run()
			command.WriteString(line[2:])
			out.WriteString(line)
		case command.Len() > 0 && strings.HasPrefix(line, "    ") && unfinished(command.String()):
			command.WriteString(line)
			out.WriteString(line)
		}
	}
	return out.String()
}

func unfinished(command string) bool {
	return strings.Count(command, "'")%2 == 1 || strings.HasSuffix(command, "|\n")
}

// shell runs a command and returns its stdout.
func shell(t *testing.T, dir, bin, command string) string {
	t.Helper()
	cmd := exec.Command("sh", "-c", command)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "PATH="+bin+string(os.PathListSeparator)+os.Getenv("PATH"), "TZ=UTC", "BLUETRAIL_CONFIG=", "BLUETRAIL_DATA=")
	var errs strings.Builder
	cmd.Stderr = &errs
	out, err := cmd.Output()
	if err != nil {
		t.Errorf("%s\n%v\n%s", command, err, errs.String())
	}
	return string(out)
}
