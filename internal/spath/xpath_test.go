package spath

import (
	"errors"
	"strings"
	"testing"
)

const crew = `<?xml version="1.0"?>
<crew ship="e&amp;d"><!-- on duty -->
 <bar nickname="spock"> </bar>
 <bar nickname="scotty"><rank>3</rank><rank>x &lt; y</rank></bar>
 <x:note>a<b>c</b>d</x:note>
</crew>`

func TestXPath(t *testing.T) {
	for expr, want := range map[string]string{
		"//bar/@nickname":                "spock|scotty",
		"//@ship":                        "e&d",
		"/crew/bar[2]/rank":              "3|x < y",
		"/crew/bar[@nickname='scotty']":  "<rank>3</rank><rank>x &lt; y</rank>",
		"//rank[1]/text()":               "3",
		"//bar[rank]/@nickname":          "scotty",
		"count(//rank)":                  "2",
		"string(/crew/bar/@nickname)":    "spock",
		"//rank = '3'":                   "true",
		"//rank[. > 2]":                  "3",
		"//bar[last()]/rank[last()]":     "x < y",
		"//b/..":                         "a<b>c</b>d",
		"//x:note/b":                     "c",
		"//b | //rank":                   "3|x < y|c",
		"//comment()":                    "on duty",
		"//none":                         "",
		"//rank/preceding-sibling::rank": "3",
		"//bar[contains(@nickname,'ot')]/@nickname": "scotty",
	} {
		p, err := ParseXPath(expr)
		if err != nil {
			t.Errorf("%s: %v", expr, err)
			continue
		}
		got, err := p.Find(crew)
		if text := strings.Join(got, "|"); err != nil || text != want {
			t.Errorf("%s = %q, %v, want %q", expr, text, err, want)
		}
	}
	for _, bad := range []string{"", "//", "//a[", "//a[@", "foo(", "$x", strings.Repeat("(", 500), strings.Repeat("/a", maxXPath)} {
		if p, err := ParseXPath(bad); err == nil {
			t.Errorf("%.20q is read as %s", bad, p)
		}
	}
}

// TestXPathIsBounded: an expression that goes over all nodes for each node ends.
func TestXPathIsBounded(t *testing.T) {
	doc := "<a>" + strings.Repeat("<b><c/></b>", 20_000) + "</a>"
	p, err := ParseXPath("//*[count(//*[count(//*) > 1]) > 1]")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.Find(doc); !errors.Is(err, errSteps) {
		t.Errorf("error is %v", err)
	}
}

func FuzzXPath(f *testing.F) {
	f.Add(crew, "/crew/bar[2]/rank | //@ship")
	f.Add("<a><b c='d'>e</b></a>", "count(//b[@c='d' and position()=last()]/following::*)")
	f.Fuzz(func(t *testing.T, doc, expr string) {
		if p, err := ParseXPath(expr); err == nil {
			_, _ = p.Find(doc)
		}
	})
}
