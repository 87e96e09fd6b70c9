package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

// damageEvents is how many events the damaged stores have.
const damageEvents = 60

// damageTrail writes files of events of two days, one of them of a time that the
// store keeps elsewhere, one without an eventID, and one that is too large for a row.
func damageTrail(t *testing.T, dir string) {
	t.Helper()
	for f := range 4 {
		var text strings.Builder
		for i := range damageEvents / 4 {
			n := f*damageEvents/4 + i
			at := time.Date(2026, 3, 1+f%2, i, 0, 0, 0, time.UTC)
			fill := ""
			id := fmt.Sprintf(`"eventID":"00000000-0000-4000-8000-%012d",`, n)
			switch n {
			case 7:
				at = at.AddDate(-20, 0, 0)
			case 8:
				id = ""
			case 9: // too large for a row
				fill = strings.Repeat("x", 1<<20)
			}
			fmt.Fprintf(&text, `{"eventVersion":"1.08",%s"eventTime":%q,"eventSource":"s3.amazonaws.com","eventName":"GetObject","requestParameters":{"bucketName":"b%d","key":"k%d"},"marker":"m%d","fill":%q}`+"\n", id, at.Format(time.RFC3339), n%5, n, n, fill)
		}
		if err := os.WriteFile(filepath.Join(dir, fmt.Sprintf("trail-%d.json", f)), []byte(text.String()), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// copyStore copies a data directory. The files of parts, which nobody changes,
// become links; a copy keeps the time of its file.
func copyStore(t *testing.T, from, to string) {
	t.Helper()
	err := filepath.WalkDir(from, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(from, path)
		if err != nil {
			return err
		}
		dst := filepath.Join(to, rel)
		if d.IsDir() {
			return os.MkdirAll(dst, 0o700)
		}
		if strings.Contains(rel, "partitions") && d.Name() != "parts.json" {
			return os.Link(path, dst)
		}
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		return errors.Join(os.WriteFile(dst, data, 0o600), os.Chtimes(dst, info.ModTime(), info.ModTime()))
	})
	if err != nil {
		t.Fatal(err)
	}
}

// damage spoils a file or folder of a store.
func damage(t *testing.T, path, how string) {
	t.Helper()
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if how == "delete" || info.IsDir() {
		if err := os.RemoveAll(path); err != nil {
			t.Fatal(err)
		}
		return
	}
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	switch how {
	case "flip":
		for i := len(data) / 3; i < len(data); i += 7 {
			data[i] ^= 0x55
		}
		if len(data) > 0 {
			data[len(data)/2] ^= 0xff
		}
	case "zero":
		clear(data)
	case "cut":
		data = data[:len(data)/2]
	}
	if err := errors.Join(os.Remove(path), os.WriteFile(path, data, 0o600)); err != nil {
		t.Fatal(err)
	}
}

// command runs the command with bounded memory.
func command(t *testing.T, args ...string) (out, words string, code int) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, "sh", append([]string{"-c", `ulimit -v 8000000; exec bluetrail "$@"`, "sh", "-q"}, args...)...)
	var stdout, stderr strings.Builder
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	var failed *exec.ExitError
	if err != nil && !errors.As(err, &failed) {
		t.Fatal(err)
	}
	if strings.Contains(stderr.String(), "goroutine ") || strings.Contains(stderr.String(), "panic") {
		t.Errorf("bluetrail %s ended with a stack trace:\n%s", args[0], stderr.String())
	}
	if code = cmd.ProcessState.ExitCode(); code != 0 && stderr.Len() == 0 {
		t.Errorf("bluetrail %s ended with code %d and said nothing", args[0], code)
	}
	return stdout.String(), stderr.String(), code
}

var (
	shardOf = regexp.MustCompile(`\.bin[0-9]+$`)
	partOf  = regexp.MustCompile(`[0-9A-F]{16}`)
)

// TestDamagedStore spoils each kind of file of a store once. Whatever happens, a
// search gives all rows, or says what is missing, or ends with an error; and
// after a repair all events are there once. BLUETRAIL_DAMAGE=all tries every
// kind of damage.
func TestDamagedStore(t *testing.T) {
	if testing.Short() {
		t.Skip("runs the command some hundred times")
	}
	dir := t.TempDir()
	trail, whole := filepath.Join(dir, "trail"), filepath.Join(dir, "whole")
	if err := os.Mkdir(trail, 0o700); err != nil {
		t.Fatal(err)
	}
	damageTrail(t, trail)
	if _, words, code := command(t, "ingest", "--data", whole, trail); code != 0 {
		t.Fatal(words)
	}
	const search = `* | stats count dc(marker) AS markers`
	full := fmt.Sprintf(`{"count":"%d","markers":"%[1]d"}`+"\n", damageEvents)
	if out, words, code := command(t, "search", "--data", whole, "-o", "json", search); out != full || code != 0 {
		t.Fatalf("the store is not what the test needs: %s%s", out, words)
	}

	for path, d := range entries(t, whole) {
		if info, err := d.Info(); err != nil || info.Mode().Perm()&0o077 != 0 {
			t.Errorf("others may read %s: %v", path, err)
		}
	}

	hows := []string{"flip", "cut", "zero", "delete"}
	kinds := map[string]string{} // to the first path of it
	err := filepath.WalkDir(whole, func(path string, d fs.DirEntry, err error) error {
		rel, relErr := filepath.Rel(whole, path)
		if err = errors.Join(err, relErr); err != nil || rel == "." || d.Name() == "lock" || d.Name() == "flock.lock" {
			return err
		}
		kind := partOf.ReplaceAllString(shardOf.ReplaceAllString(rel, ".bin"), "PART")
		kind = strings.NewReplacer("20100101", "DAY", "20260301", "DAY", "20260302", "DAY").Replace(kind)
		if strings.HasPrefix(kind, "ids/") && !d.IsDir() {
			kind = "ids/FILE"
		} else if strings.HasPrefix(kind, "ids/") {
			return nil
		}
		if strings.HasSuffix(rel, "20100101") { // the displaced day has a turn of its own
			kind = "DISPLACED"
		}
		if _, ok := kinds[kind]; !ok || strings.Contains(kinds[kind], "20100101") {
			kinds[kind] = rel
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for kind := range kinds {
		names = append(names, kind)
	}
	slices.Sort(names)
	for i, kind := range names {
		rel := kinds[kind]
		tries := []string{hows[i%len(hows)]}
		if os.Getenv("BLUETRAIL_DAMAGE") == "all" {
			tries = hows
		}
		if info, err := os.Stat(filepath.Join(whole, rel)); err == nil && info.IsDir() {
			tries = []string{"delete"}
		}
		for _, how := range tries {
			t.Run(how+" "+kind, func(t *testing.T) {
				data := filepath.Join(t.TempDir(), "data")
				copyStore(t, whole, data)
				damage(t, filepath.Join(data, rel), how)
				damagedStore(t, data, trail, search, full)
			})
		}
	}
}

// entries returns all that lies below a folder.
func entries(t *testing.T, dir string) map[string]fs.DirEntry {
	t.Helper()
	all := map[string]fs.DirEntry{}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		all[path] = d
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func damagedStore(t *testing.T, data, trail, search, full string) {
	out, words, code := command(t, "search", "--data", data, "-o", "json", search)
	switch {
	case code == 0 && out != full:
		t.Errorf("a search ended well with %s, want %s", out, full)
	case code == 3 && !strings.Contains(words, "missing") && !strings.Contains(words, "damaged since"):
		t.Errorf("a search does not say what is missing or damaged: %s", words)
	case code == 1 || code == 2:
		t.Logf("the search said: %s", words)
	}
	if _, words, code := command(t, "repair", "--data", data); code != 0 {
		t.Logf("the repair ended with code %d: %s", code, words)
	}
	if _, words, code := command(t, "ingest", "--data", data, trail); code != 0 {
		if strings.Contains(words, "format") || strings.Contains(words, "state") || strings.Contains(words, "ids") {
			return // nothing can be read, and it is said
		}
		t.Errorf("the ingest ended with code %d: %s", code, words)
	}
	if out, words, code := command(t, "search", "--data", data, "-o", "json", search); out != full || code != 0 {
		t.Errorf("after the repair a search ended with code %d, %s%s", code, out, words)
	}
}
