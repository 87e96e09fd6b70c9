package config

import (
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func write(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "bluetrail.yaml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestLoad(t *testing.T) {
	got, err := Load(write(t, "geoip: [city.mmdb]\nsearch:\n  sort_rows: 5\n"))
	if err != nil {
		t.Fatal(err)
	}
	want := Default()
	want.GeoIP = []string{"city.mmdb"}
	want.Search.SortRows = 5
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestLoadRefuses(t *testing.T) {
	for name, tc := range map[string]struct{ text, want string }{
		"unknown key": {"geoipp: []\n", `did you mean "geoip"?`},
		"inner key":   {"alerts:\n  risk: {treshold: 5}\n", `did you mean "threshold"?`},
		"other key":   {"serve:\n  treshold: 5\n", `unknown key "treshold" in "treshold: 5"`},
		"s3 key":      {"sources:\n  - kind: s3\n    bucket: trail\n", "the keys of a source of kind s3 are endpoint, external_id"},
		"first key":   {"sources:\n  - dir: a\n  - quue: a\n    kind: sqs\n", `did you mean "queue"?`},
		"no kind":     {"sources:\n  - kind: s4\n    bucket: trail\n", `there is no kind "s4"`},
		"wrong type":  {"search:\n  sort_rows: many\n", "sort_rows"},
		"range":       {"search:\n  memory_mib: 0\n", "search.memory_mib must be between 1 and"},
		"upper range": {"search:\n  list_values: 2000000000\n", "search.list_values must be between 1 and 1000000"},
		"long time":   {"search:\n  time: 100000h\n", "search.time must be between"},
		"region":      {"facts:\n  - regions: [Frankfurt]\n", `facts: entry 1: "Frankfurt" is no region`},
		"no region":   {"facts:\n  - aggregator: all\n", "facts: entry 1: give it regions"},
		"facts role":  {"facts:\n  - {regions: [eu-central-1], roles: [reader]}\n", `"reader" is no role`},
		"facts often": {"facts:\n  - {regions: [eu-central-1], every: 5s}\n", "every must be between"},
		"retention":   {"retention:\n  aws: {days: -1}\n", `retention of index "aws": days`},
		"huge":        {"retention:\n  aws: {mib: 99999999999}\n", `retention of index "aws": mib`},
		"deep":        {"data: " + strings.Repeat("[", 300) + "\n", "line 1, column"},
		"large":       {strings.Repeat("#\n", maxFile), "larger than"},
		"address":     {"serve:\n  addr: nowhere\n", "serve.addr must be HOST:PORT"},
		"no source":   {"sources:\n  - index: aws\n", "entry 1: it has no dir"},
		"HEC in dir":  {"sources:\n  - {dir: a, listen: ':1'}\n", "a source of kind dir has no listen"},
		"no token":    {"sources:\n  - {kind: hec}\n", "it has no tokens"},
		"open token":  {"sources:\n  - {kind: hec, tokens: [{name: a, token: secret}]}\n", `token "a": give the place of the secret`},
		"own index":   {"sources:\n  - {kind: http, tokens: [{name: a, token: 'env:A', indexes: [_audit]}]}\n", `"_audit" is not an index name`},
		"path":        {"sources:\n  - {kind: http, path: /services/x, tokens: [{name: a, token: 'env:A'}]}\n", "outside of /services"},
		"two HECs":    {"sources:\n  - {kind: hec, tokens: [{name: a, token: 'env:A'}]}\n  - {kind: hec, name: b, tokens: [{name: a, token: 'env:A'}]}\n", `hec "127.0.0.1:8088" is listed twice`},
		"shared":      {"sources:\n  - {kind: hec, listen: ':1', tokens: [{name: a, token: 'env:A'}], allow_plain: true}\n  - {kind: http, listen: ':1', tokens: [{name: a, token: 'env:A'}]}\n", "share the address :1"},
		"same source": {"sources:\n  - dir: a\n  - dir: ./a\n", "is listed twice"},
		"duration":    {"search:\n  subsearch_time: 0s\n", "subsearch_time"},
		"window":      {"alerts:\n  windows: {some rule: 1s}\n", `alerts.windows of "some rule" must be between 1m`},
		"risk":        {"alerts:\n  risk: {threshold: .nan}\n", "alerts.risk.threshold"},
		"health":      {"retention:\n  _health: {days: 3}\n", "kept forever"},
		"audit":       {"retention:\n  _audit: {mib: 3}\n", "by age only"},
		"zone":        {"timezone: Mars/Olympus\n", "timezone"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Load(write(t, tc.text))
			if err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("error %v, want one that names %q", err, tc.want)
			}
		})
	}
	if _, err := Load(filepath.Join(t.TempDir(), "none.yaml")); err == nil {
		t.Error("a missing file must be an error")
	}
}

// TestShippedExample keeps the example file true: it shows every key, with its
// default.
func TestShippedExample(t *testing.T) {
	text, err := os.ReadFile("../../docs/bluetrail.example.yaml")
	if err != nil {
		t.Fatal(err)
	}
	for _, typ := range []reflect.Type{reflect.TypeFor[Config](), reflect.TypeFor[Search](), reflect.TypeFor[Retention](), reflect.TypeFor[Serve](), reflect.TypeFor[Source](), reflect.TypeFor[Alerts](), reflect.TypeFor[Risk](), reflect.TypeFor[Output](), reflect.TypeFor[Quiet](), reflect.TypeFor[Route](), reflect.TypeFor[Maintenance]()} {
		var keys []string
		for i := range typ.NumField() {
			if key := typ.Field(i).Tag.Get("yaml"); key != ",inline" {
				keys = append(keys, key)
				continue
			}
			keys = keysOf(typ.Field(i).Type, keys)
		}
		for _, key := range keys {
			if !regexp.MustCompile(`(?m)^(?: *(?:#[ -]*)?|[^#\n]*\{|[^#\n]*, )` + key + `:`).Match(text) {
				t.Errorf("the example lacks %s", key)
			}
		}
	}
	got, err := Load("../../docs/bluetrail.example.yaml")
	if err != nil {
		t.Fatal(err)
	}
	want := Default()
	if diff := cmp.Diff(want.Search, got.Search); diff != "" {
		t.Error(diff)
	}
	if got.Data != want.Data || got.TimeZone != want.TimeZone {
		t.Errorf("the example shows data %q and timezone %q", got.Data, got.TimeZone)
	}
}

// TestReadme keeps the configuration in the README true.
func TestReadme(t *testing.T) {
	text, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	blocks := regexp.MustCompile("(?ms)^```yaml\n(.*?)^```$").FindAllSubmatch(text, -1)
	if len(blocks) != 1 {
		t.Fatalf("the README has %d blocks of YAML, want the configuration alone", len(blocks))
	}
	c, err := Load(write(t, string(blocks[0][1])))
	if err != nil {
		t.Fatal(err)
	}
	if len(c.Sources) != 1 || len(c.Outputs) != 1 || len(c.Routes) != 1 {
		t.Errorf("%d sources, %d outputs and %d routes, want one of each", len(c.Sources), len(c.Outputs), len(c.Routes))
	}
}
