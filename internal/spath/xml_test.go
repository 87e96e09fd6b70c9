package spath

import (
	"strings"
	"testing"

	"bluetrail/internal/jsonscan"
)

const purchases = `<?xml version="1.0"?><!-- list --><purchases>
 <book><author>Martin, George</author><title yearPublished="1996">A Game &amp; more</title></book>
 <book><author>Clarke, Susanna</author><title yearPublished='2004'><![CDATA[Jonathan <Strange>]]></title></book>
 <x:note/>
</purchases>`

func TestGet(t *testing.T) {
	for path, want := range map[string]string{
		"purchases.book.author":                   "Martin, George|Clarke, Susanna",
		"purchases.book{}.author":                 "Martin, George|Clarke, Susanna",
		"purchases.book{2}.author":                "Clarke, Susanna",
		"purchases.book{0}.author":                "",
		"purchases.book{3}":                       "",
		"purchases.book.title{@yearPublished}":    "1996|2004",
		"purchases.book{2}.title{@yearPublished}": "2004",
		"purchases.book.title":                    "A Game & more|Jonathan <Strange>",
		"purchases.book{1}":                       `<author>Martin, George</author><title yearPublished="1996">A Game &amp; more</title>`,
		"purchases.x:note":                        "",
		"book":                                    "",
		"purchases.book.title{@none}":             "",
	} {
		p, err := jsonscan.ParsePath(path)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		if err := xmlGet(purchases, p, func(v string) bool { got = append(got, v); return true }); err != nil {
			t.Fatal(err)
		}
		if text := strings.Join(got, "|"); text != want {
			t.Errorf("%s = %q, want %q", path, text, want)
		}
	}
}

func TestLeaves(t *testing.T) {
	var got []string
	if err := xmlLeaves(purchases, func(path, v string) bool { got = append(got, path+"="+v); return len(got) < 3 }); err != nil {
		t.Fatal(err)
	}
	want := "purchases.book.author=Martin, George;purchases.book.title{@yearPublished}=1996;purchases.book.title=A Game & more"
	if text := strings.Join(got, ";"); text != want {
		t.Errorf("got %s", text)
	}
}

func TestNoXML(t *testing.T) {
	for _, doc := range []string{"", "<a>", "<a></b>", "</a>", "<a", strings.Repeat("<a>", maxDepth+9) + strings.Repeat("</a>", maxDepth+9)} {
		if err := xmlLeaves(doc, func(string, string) bool { return true }); err == nil {
			t.Errorf("%.20q is read", doc)
		}
	}
	if IsXML(`{"a":1}`) || !IsXML(" <a/>") {
		t.Error("taken for the other")
	}
}

func FuzzXML(f *testing.F) {
	f.Add(purchases, "purchases.book{2}.title{@yearPublished}")
	f.Add("<a b=c>&nope;<![CDATA[x]]></a>", "a{@b}")
	f.Fuzz(func(t *testing.T, doc, path string) {
		n := 0
		_ = xmlLeaves(doc, func(_, v string) bool { n += len(v); return true })
		if n > 4*len(doc)+64 {
			t.Errorf("%d bytes out of %d", n, len(doc))
		}
		if p, err := jsonscan.ParsePath(path); err == nil {
			_ = xmlGet(doc, p, func(string) bool { return true })
		}
	})
}
