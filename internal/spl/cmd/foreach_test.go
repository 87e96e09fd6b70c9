package cmd_test

import (
	"errors"
	"testing"

	"bluetrail/internal/diag"
	"bluetrail/internal/spl/syntax"
)

// TestForeachFaults: what is wrong in the commands is underlined where it stands
// in the search.
func TestForeachFaults(t *testing.T) {
	for text, want := range map[string]string{
		`* | foreach a_* [ eval <<MATCHSTR>>='<<FIELD>>'*2 | evl z=1 ]`:             "evl",
		`* | foreach a_* [| eval <<FIELD>>=isnul('<<FIELD>>')]`:                     "isnul",
		`* | foreach fieldstr=#f a* [eval x=#f y=1]`:                                "y",
		`* | foreach a* [rex field=<<FIELD>> "x(?<y>z" | eval <<FIELD>>_2=y ]`:      "(",
		`* | foreach a* [foreach b [eval "<<FIELD>>"=1] | head <<FIELD>> | tail x]`: "x",
	} {
		_, err := syntax.Parse(text)
		var d *diag.Error
		if !errors.As(err, &d) {
			t.Errorf("%s: %v", text, err)
			continue
		}
		if got := text[d.Span.Start:d.Span.End]; got != want {
			t.Errorf("%s\nunderlines %q, want %q: %v", text, got, want, err)
		}
	}
}
