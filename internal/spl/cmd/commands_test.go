package cmd_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"bluetrail/internal/diag"
	_ "bluetrail/internal/spl/agg"
	_ "bluetrail/internal/spl/cmd"
	"bluetrail/internal/spl/exec"
	_ "bluetrail/internal/spl/fn"
	"bluetrail/internal/spl/syntax"
)

// TestKinds checks that a command is what its registration says and nothing
// else, as the planner picks the first that fits.
func TestKinds(t *testing.T) {
	for _, search := range searches(t) {
		q, err := syntax.Parse(search)
		if err != nil {
			continue // a script of an error
		}
		for _, st := range q.Stages {
			if r, ok := st.Cmd.(syntax.Resolving); ok && len(r.Subsearches()) > 0 {
				continue // it is what it comes to with their results
			}
			_, streaming := st.Cmd.(exec.Streaming)
			_, transforming := st.Cmd.(exec.Transforming)
			_, serial := st.Cmd.(exec.Serial)
			_, generating := st.Cmd.(exec.Generating)
			var ok bool
			switch st.Def.Kind {
			case syntax.KindStreaming:
				ok = streaming && !transforming && !serial && !generating
			case syntax.KindTransforming:
				ok = transforming && !streaming && !serial && !generating
			case syntax.KindSerial:
				ok = serial && !streaming && !transforming && !generating
			case syntax.KindGenerating: // and in the middle of a search, some of them
				ok = generating && !streaming && !transforming
			}
			if !ok {
				t.Errorf("%s is not only %s", st.Def.Name, st.Def.Kind)
			}
		}
	}
}

// TestPrintReads checks that what a command prints reads as the same command.
func TestPrintReads(t *testing.T) {
	known := 0
	for _, search := range searches(t) {
		q, err := syntax.Parse(search)
		if err != nil {
			continue
		}
		known++
		printed := q.String()
		again, err := syntax.Parse(printed)
		if err != nil {
			t.Errorf("%s\nprints as\n%s\nwhich cannot be read: %v", search, printed, err)
		} else if again.String() != printed {
			t.Errorf("%s\nprints as\n%s\nwhich prints as\n%s", search, printed, again.String())
		}
	}
	if known < 200 {
		t.Errorf("only %d searches were read", known)
	}
}

// searches returns those of the registry's examples and of the scripts.
func searches(t *testing.T) []string {
	t.Helper()
	var list []string
	for _, d := range syntax.Commands() {
		for _, ex := range d.Examples {
			list = append(list, ex.Search)
		}
	}
	files, err := filepath.Glob("../../../testdata/spl/*.test")
	if err != nil || len(files) == 0 {
		t.Fatalf("no scripts: %v", err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		in := false
		for _, line := range strings.Split(string(text), "\n") {
			switch rest, ok := strings.CutPrefix(line, "eval "); {
			case ok:
				list = append(list, strings.TrimPrefix(rest, "unordered "))
				in = true
			case in && strings.HasPrefix(line, " "):
				list[len(list)-1] += "\n" + line
			default:
				in = false
			}
		}
	}
	return list
}

// TestUnsupported checks that what is known and not there is neither there nor
// without an answer.
func TestUnsupported(t *testing.T) {
	last := ""
	for _, u := range syntax.UnsupportedCommands() {
		if u.Name <= last {
			t.Errorf("%s stands behind %s", u.Name, last)
		}
		last = u.Name
		if syntax.LookupCommand(u.Name) != nil {
			t.Errorf("%s is there", u.Name)
		}
		_, err := syntax.Parse("* | " + strings.ToUpper(u.Name) + " x=1")
		var place *diag.Error
		if !errors.As(err, &place) || place.Src[place.Span.Start:place.Span.End] != strings.ToUpper(u.Name) || !strings.Contains(place.Msg, u.Why) || !strings.Contains(place.Hint, u.Instead) {
			t.Errorf("%s is answered with %v", u.Name, err)
		}
	}
}
