package inbox

import (
	"bytes"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"bluetrail/internal/config"
)

// TestTokens finds tokens by their whole secret, takes a changed file without a restart,
// and keeps to what it knows while a file cannot be read.
func TestTokens(t *testing.T) {
	path := filepath.Join(t.TempDir(), "token")
	write := func(text string) {
		t.Helper()
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	const first, second, other = "first-0123456789", "second-0123456789", "other-0123456789"
	t.Setenv("INBOX_TEST_TOKEN", other)
	list := []config.Token{{Name: "file", Token: config.Secret("file:" + path)}, {Name: "env", Token: "env:INBOX_TEST_TOKEN", Disabled: true}}
	var log bytes.Buffer
	write("fifteen letters")
	if _, err := NewTokens(list, slog.Default()); err == nil || !strings.Contains(err.Error(), `token "file": it has fewer than 16 characters`) {
		t.Errorf("a token that can be guessed: %v", err)
	}
	write(first + "\n")
	tokens, err := NewTokens(list, slog.New(slog.NewTextHandler(&log, nil)))
	if err != nil {
		t.Fatal(err)
	}
	check := func(what string, want map[string]string) {
		t.Helper()
		for secret, name := range want {
			found := tokens.Find(secret)
			if found == nil && name != "" || found != nil && found.Name != name {
				t.Errorf("%s: %q is %+v, want %q", what, secret, found, name)
			}
		}
	}
	old := map[string]string{first: "file", other: "env", second: "", "": "", first[:15]: "", first + "x": "", strings.ToUpper(first): ""}
	check("at first", old)
	write(second)
	check("within ten seconds", old)
	soon := func() { tokens.read = time.Now().Add(-rereadEvery) }
	soon()
	changed := map[string]string{second: "file", first: "", other: "env"}
	check("changed", changed)
	for range 2 {
		for _, broken := range []string{"short", "short"} {
			write(broken)
			soon()
			check("while it is broken", changed)
		}
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
		soon()
		check("while it is gone", changed)
		write(second)
		soon()
		check("there again", changed)
	}
	if n := strings.Count(log.String(), "level=ERROR"); n != 4 {
		t.Errorf("%d errors, want one for each change:\n%s", n, &log)
	}
	if strings.Contains(log.String(), first) || strings.Contains(log.String(), second) {
		t.Errorf("the log holds a secret:\n%s", &log)
	}
}
