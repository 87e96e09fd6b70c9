package knowledge

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestUnusableEventTypes: event types that cannot be used are left out, each with a
// reason, and the others stay.
func TestUnusableEventTypes(t *testing.T) {
	dir := t.TempDir()
	text := `
[watched]
search = [| inputlookup x.csv | fields user]
[loop]
search = eventtype=loop OR n=1
[piped]
search = kind=root | head 1
[whole]
search = savedsearch=failures
[good]
search = kind=root
`
	if err := os.WriteFile(filepath.Join(dir, "eventtypes.conf"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	k, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	if types := k.EventTypes(); len(types) != 1 || types[0].Name != "good" {
		t.Errorf("event types %v, want good alone", types)
	}
	var all strings.Builder
	for _, p := range k.Problems() {
		all.WriteString(p.Error() + "\n")
	}
	for _, want := range []string{
		"[watched]: ", "[loop]: event types and tags refer to each other", `[piped]: search:1:11: unexpected "|"`,
		"[whole]: an event type cannot use a saved search",
	} {
		if !strings.Contains(all.String(), want) {
			t.Errorf("no problem with %q in:\n%s", want, all.String())
		}
	}
}
