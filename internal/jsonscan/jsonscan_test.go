package jsonscan

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func TestLeaves(t *testing.T) {
	doc := `{"a":"x","b":{"c":1.50,"d":[true,null,"y\nz"]},"e":[{"f":"1","g":[[2]]},{"f":"3"}],"k.with.dot":"v","":"e","n":null,"o":{},"p":[],"q":"","u":"\u00e4\ud83d\ude00\ud800"}`
	var got []string
	if err := Leaves([]byte(doc), MaxDepth, func(path, value string) bool {
		got = append(got, path+"="+value)
		return true
	}); err != nil {
		t.Fatal(err)
	}
	want := []string{"a=x", "b.c=1.50", "b.d{}=true", "b.d{}=y\nz", "e{}.f=1", "e{}.g{}{}=2", "e{}.f=3", "k.with.dot=v", "=e", "q=", "u=ä😀\ufffd"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestPath(t *testing.T) {
	doc := `{"a":{"b":[{"c":1},{"c":"two","d":[3,4]}]},"x.y":{"z":5},"o":{"k":"v"},"arr":[[1,2],[3]]}`
	for _, tc := range []struct {
		path string
		want []string
	}{
		{"a.b{}.c", []string{"1", `"two"`}},
		{"a.b{1}.c", []string{`"two"`}},
		{"a.b{}.d{}", []string{"3", "4"}},
		{"a.b{}.d{1}", []string{"4"}},
		{"a.b.c", nil}, // a key of an array
		{"x.y.z", []string{"5"}},
		{"o{}.k", []string{`"v"`}}, // {} of an object
		{"o{0}.k", []string{`"v"`}},
		{"o{1}.k", nil},
		{"o", []string{`{"k":"v"}`}},
		{"arr{}{}", []string{"1", "2", "3"}},
		{"arr{1}", []string{"[3]"}},
		{"no.such", nil},
		{"", []string{doc}},
	} {
		p, err := ParsePath(tc.path)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		if err := p.Get([]byte(doc), func(v []byte) bool { got = append(got, string(v)); return true }); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(tc.want, got); diff != "" {
			t.Errorf("%s: %s", tc.path, diff)
		}
	}
	for _, bad := range []string{"a{", "a{x}", "a..b", ".a", strings.Repeat("a.", 300) + "b"} {
		if _, err := ParsePath(bad); err == nil {
			t.Errorf("%q was read", bad)
		}
	}
}

func TestDepth(t *testing.T) {
	deep := []byte(strings.Repeat("[", 100000) + strings.Repeat("]", 100000))
	if _, err := Skip(deep, 0, MaxDepth); !errors.Is(err, ErrDepth) {
		t.Errorf("Skip: %v", err)
	}
	if err := Leaves(deep, MaxDepth, func(string, string) bool { return true }); !errors.Is(err, ErrDepth) {
		t.Errorf("Leaves: %v", err)
	}
}

func TestCompact(t *testing.T) {
	if got := string(Compact([]byte("{ \"a b\" : [ 1 ,\n2 ] }"))); got != `{"a b":[1,2]}` {
		t.Error(got)
	}
}

// FuzzSkip holds Skip, Leaves and Compact against the standard library.
func FuzzSkip(f *testing.F) {
	for _, s := range []string{`{"a":[1,-2.5e+3,true,null,"x\"y\\"]}`, `[`, `{"a" 1}`, `01`, `"\u12"`, `"\u12g4"`, `"\x"`, "\"a\tb\"", "\"12345678\x00\"", `{"a":1,}`, ` [ ] `, `tru`, `-`, `1e`, "\"\xff\"", `{"a":1,"a":{"b":2},"a.b":3}`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		doc := []byte(s)
		start := Space(doc, 0)
		end, err := Skip(doc, start, MaxDepth)
		whole := err == nil && Space(doc, end) == len(doc)
		if json.Valid(doc) != whole && !errors.Is(err, ErrDepth) {
			t.Fatalf("%q: JSON is %v, taken is %v: %v", s, !whole, whole, err)
		}
		leaves := Leaves(doc, MaxDepth, func(string, string) bool { return true })
		if (leaves == nil) != whole {
			t.Fatalf("%q: Skip says %v, Leaves says %v", s, err, leaves)
		}
		if !whole {
			return
		}
		var want bytes.Buffer
		if err := json.Compact(&want, doc); err != nil {
			t.Fatal(err)
		}
		if got := Compact(doc); !bytes.Equal(got, want.Bytes()) {
			t.Fatalf("%q compacts to %q, want %q", s, got, want.Bytes())
		}
	})
}

// TestLeavesRemembered: a document like the last brings the same leaves and no
// allocation; one unlike it brings its own.
func TestLeavesRemembered(t *testing.T) {
	s := NewShape()
	ids := func(doc string) (list []string) {
		if err := s.Leaves([]byte(doc), MaxDepth, func(l *Leaf, v string) bool {
			list = append(list, fmt.Sprintf("%d %s=%s", l.ID, l.Path, v))
			return true
		}); err != nil {
			t.Fatal(err)
		}
		return list
	}
	for _, tc := range []struct {
		doc  string
		want []string
	}{
		{`{"a":1,"b":{"c":2},"b.c":3}`, []string{"0 a=1", "1 b.c=2", "1 b.c=3"}},
		{`{"b.c":4,"d":5,"a":6}`, []string{"1 b.c=4", "2 d=5", "0 a=6"}},
		{`{"a":{"x":7},"d":[8]}`, []string{"3 a.x=7", "4 d{}=8"}},
	} {
		if diff := cmp.Diff(tc.want, ids(tc.doc)); diff != "" {
			t.Errorf("%s: %s", tc.doc, diff)
		}
	}
	doc := []byte(`{"own":1}`)
	var path string
	Leaves(doc, MaxDepth, func(p, _ string) bool { path = p; return true })
	if clear(doc); path != "own" {
		t.Errorf("a path shares its document: %q", path)
	}
	count := func(*Leaf, string) bool { return true }
	if n := testing.AllocsPerRun(100, func() { s.Leaves(record, MaxDepth, count) }); n != 0 {
		t.Errorf("%v allocations a document", n)
	}
}

// TestManyKeys: names are found in objects of any width, are forgotten when
// there are too many, and cannot be made to fill the memory.
func TestManyKeys(t *testing.T) {
	s := NewShape()
	wide := func(from, n int) []byte {
		doc := []byte{'{'}
		for i := range n {
			doc = fmt.Appendf(doc, `"k%d":%d,`, from+i, from+i)
		}
		return append(doc, `"z":0}`...)
	}
	for round := range 6 {
		n := 0
		if err := s.Leaves(wide(5000*(round/2), 5000), MaxDepth, func(l *Leaf, v string) bool {
			if l.Path != "z" && l.Path != "k"+v {
				t.Fatalf("%s = %s", l.Path, v)
			}
			n++
			return true
		}); err != nil || n != 5001 {
			t.Fatalf("%d leaves, %v", n, err)
		}
	}
	if err := s.Leaves(wide(100000, 5000), MaxDepth, func(*Leaf, string) bool { return true }); err != nil {
		t.Fatal(err)
	}
	if s.Leaves([]byte(`{}`), MaxDepth, nil); s.Age() == 0 {
		t.Error("nothing was ever forgotten")
	}
	long := strings.Repeat("x", 4000)
	doc := []byte(`{"` + long + `":` + string(wide(0, 20000)) + `}`)
	if err := s.Leaves(doc, MaxDepth, func(*Leaf, string) bool { return true }); !errors.Is(err, ErrNames) {
		t.Errorf("80 MB of names: %v", err)
	}
}

// FuzzText holds string decoding against the standard library.
func FuzzText(f *testing.F) {
	f.Add(`a\n\u00e4\ud83d\ude00\ud800x\/`)
	f.Fuzz(func(t *testing.T, s string) {
		quoted := []byte(`"` + s + `"`)
		var want string
		if json.Unmarshal(quoted, &want) != nil {
			t.Skip()
		}
		if got := Text(quoted); got != want {
			t.Fatalf("%q: %q, want %q", s, got, want)
		}
		var back string
		if err := json.Unmarshal(AppendQuoted(nil, want), &back); err != nil || back != want {
			t.Fatalf("quoted again: %q, %v", back, err)
		}
	})
}

var record = []byte(`{"eventVersion":"1.08","userIdentity":{"type":"IAMUser","principalId":"AIDAYTOGP2RLNALZHZ6KX","arn":"arn:aws:iam::111111111111:user/someone","accountId":"111111111111","accessKeyId":"AKIAYTOGP2RLJ2OYSF6E","userName":"someone"},"eventTime":"2021-01-12T14:03:17Z","eventSource":"s3.amazonaws.com","eventName":"PutBucketAcl","awsRegion":"eu-central-1","sourceIPAddress":"192.0.2.65","userAgent":"[aws-cli/2.0.45 Python/3.7.4 Darwin/20.2.0 exe/x86_64 command/s3api.put-bucket-acl]","requestParameters":{"bucketName":"testbucket19","Host":"testbucket19.s3.eu-central-1.amazonaws.com","acl":"","accessControlList":{"x-amz-grant-write-acp":"uri=http://acs.amazonaws.com/groups/global/AuthenticatedUsers"}},"responseElements":null,"additionalEventData":{"SignatureVersion":"SigV4","CipherSuite":"ECDHE-RSA-AES128-GCM-SHA256","bytesTransferredIn":0,"AuthenticationMethod":"AuthHeader","x-amz-id-2":"qb+xR18y4+4serdq8conds+tNROklOFRYciGHof4z1pcnTnT9SCrx6iYHuupPNaiMnZ9kdB43yE=","bytesTransferredOut":0},"requestID":"23FAB394417ECFCD","eventID":"9feee3c9-711f-4f7d-af4c-992907a2a521","readOnly":false,"resources":[{"accountId":"111111111111","type":"AWS::S3::Bucket","ARN":"arn:aws:s3:::testbucket19"}],"eventType":"AwsApiCall","managementEvent":true,"eventCategory":"Management","recipientAccountId":"111111111111"}`)

func BenchmarkSkip(b *testing.B) {
	b.SetBytes(int64(len(record)))
	for b.Loop() {
		if _, err := Skip(record, 0, MaxDepth); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkLeaves(b *testing.B) {
	b.SetBytes(int64(len(record)))
	b.ReportAllocs()
	for b.Loop() {
		if err := Leaves(record, MaxDepth, func(string, string) bool { return true }); err != nil {
			b.Fatal(err)
		}
	}
}

func TestPlain(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := rapid.StringOf(rapid.SampledFrom([]rune("aZ0 ~!#[]/\x1f\x7f\u0080é\"\\\n\x00"))).Draw(t, "text")
		want := strings.IndexFunc(s, func(r rune) bool { return r < ' ' || r >= 0x7f || r == '"' || r == '\\' })
		if want < 0 {
			want = len(s)
		}
		if got := Plain(s); got != want {
			t.Fatalf("%q has %d plain bytes, want %d", s, got, want)
		}
	})
}
