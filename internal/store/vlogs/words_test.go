package vlogs

import "testing"

func TestWordList(t *testing.T) {
	var x wordList
	for _, c := range []struct{ raw, want string }{
		{`{"a":"plain words ONLY 123"}`, ""},
		{`{"a":"AllUsers allUsers my_Bucket_01"}`, "allusers my bucket 01"},
		{`{"eventName":"PutBucketAcl"}`, "putbucketacl"},
		{`{"a":"caf\u00e9 \u0041lpha"}`, "café alpha"},
		{`{"a":"x\nTail"}`, "ntail x tail"},
		{`{"a":"_"}`, ""},
	} {
		if got := string(x.of([]byte(c.raw))); got != c.want {
			t.Errorf("words of %s: %q, want %q", c.raw, got, c.want)
		}
	}
}

func TestWordListGrows(t *testing.T) {
	var raw []byte
	const n = 1000
	for range 2 { // in the second pass all words are known
		for i := range n {
			raw = append(raw, 'W', byte('a'+i%26), byte('a'+i/26%26), byte('a'+i/676), ' ')
		}
	}
	var x wordList
	if got, want := len(x.of(raw)), n*5-1; got != want {
		t.Errorf("%d bytes of words, want %d", got, want)
	}
}

func TestWordFilter(t *testing.T) {
	for _, c := range []struct {
		text   string
		prefix bool
		want   string
	}{
		{"AKIA1", true, `(_msg:"akia1" or _msg:"AKIA1" or _words:"akia1")`},
		{"42424242", true, `(_msg:"42424242" or _words:"42424242")`},
		{"eventName", true, ""},
		{"*tail", true, ""},
		{"head*", true, `(_msg:"head"* or _msg:"HEAD"* or _words:"head"*)`},
		{"head*", false, ""},
		{"short and-longer", false, `(_msg:"longer" or _msg:"LONGER" or _words:"longer") (_msg:"short" or _msg:"SHORT" or _words:"short") (_msg:"and" or _msg:"AND" or _words:"and")`},
		{"café", true, ""},
	} {
		if got := wordFilter(c.text, c.prefix); got != c.want {
			t.Errorf("wordFilter(%q, %v) = %s, want %s", c.text, c.prefix, got, c.want)
		}
	}
}
