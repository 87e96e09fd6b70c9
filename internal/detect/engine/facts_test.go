package engine

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"bluetrail/internal/identity"
	"bluetrail/internal/store/files"

	"github.com/google/go-cmp/cmp"
)

// TestFacts compares what the leaves of a record say about its caller with a whole
// reading of it.
func TestFacts(t *testing.T) {
	var reads identity.Facts
	row := Leaves.NewRow()
	check := func(raw []byte) {
		t.Helper()
		var got, want identity.Facts
		if err := Leaves.Read(raw, row); err != nil {
			t.Fatal(err)
		}
		if err := identity.FromRow(raw, row, &got); err != nil {
			t.Fatal(err)
		}
		if err := identity.Read(raw, &want); err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(want.Caller, got.Caller); d != "" {
			t.Errorf("%.300s: %s", raw, d)
		}
		if len(want.Links) != len(got.Links) {
			t.Errorf("%.300s: %d links, not %d", raw, len(got.Links), len(want.Links))
		}
		reads = got
	}
	for _, raw := range []string{
		`{}`,
		`{"eventName":"X","userIdentity":null,"eventTime":"2026-01-02T03:04:05Z"}`,
		`{"eventName":"X","userIdentity":{"type":"AssumedRole","arn":"a","principalId":"p","accountId":"1","accessKeyId":"ASIAX","sessionContext":{"sessionIssuer":{"type":"Role","arn":"r","userName":"n"},
			"attributes":{"creationDate":"2026-01-02T03:04:05Z","mfaAuthenticated":"true","sessionCredentialFromConsole":"true"},"sourceIdentity":"s","signInSessionArn":"i","assumedRoot":true}},"sessionCredentialFromConsole":false}`,
		`{"eventName":"X","requestID":"q","userIdentity":{"type":"AWSService","invokedBy":"aws-mcp.amazonaws.com","onBehalfOf":{"userId":"u","identityStoreArn":"s"},"invokedByDelegate":{"accountId":"2"},"inScopeOf":{"credentialsIssuedTo":"c"}}}`,
		`{"eventName":"X","userIdentity":{"type":["A","B"],"arn":{"x":1},"userName":17},"sourceIPAddress":"` + strings.Repeat("x", 5000) + `"}`,
		`{"eventSource":"sts.amazonaws.com","eventName":"AssumeRole","userIdentity":{"type":"IAMUser","accessKeyId":"AKIAEXAMPLE1234567"},"responseElements":{"credentials":{"accessKeyId":"ASIAEXAMPLE1234567"}}}`,
	} {
		check([]byte(raw))
	}
	if len(reads.Links) != 1 {
		t.Errorf("AssumeRole has %d links", len(reads.Links))
	}
	dir := os.Getenv("BLUETRAIL_TESTDATA")
	if dir == "" {
		dir = "../../../../shared/data"
	}
	var paths []string
	for _, pattern := range []string{"*.ndjson.gz", "stratus"} {
		list, _ := filepath.Glob(filepath.Join(dir, pattern))
		paths = append(paths, list...)
	}
	if len(paths) == 0 {
		t.Skip("real records are not there; set BLUETRAIL_TESTDATA")
	}
	st, err := files.Open(paths, files.Options{Workers: 1})
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	err = st.Each(t.Context(), Leaves, func(int) (func(*files.Record) error, error) {
		return func(r *files.Record) error {
			n++
			check(r.Raw)
			return nil
		}, nil
	})
	if err != nil || n < 500 {
		t.Errorf("%d records, %v", n, err)
	}
}
