package main

import (
	"bufio"
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"bluetrail/internal/config"

	"github.com/goccy/go-yaml"
)

// deployed reads a file that ships in deploy/.
func deployed(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("../../deploy", name))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// lookIn follows keys and positions through decoded YAML or JSON.
func lookIn(t *testing.T, v any, path ...any) any {
	t.Helper()
	for _, step := range path {
		switch key := step.(type) {
		case string:
			m, _ := v.(map[string]any)
			v = m[key]
		case int:
			list, _ := v.([]any)
			if key >= len(list) {
				t.Fatalf("%v: there is no entry %d", path, key)
			}
			v = list[key]
		}
	}
	return v
}

// TestDashboardMetrics: Grafana's dashboard asks only for metrics that a server exposes.
func TestDashboardMetrics(t *testing.T) {
	known := map[string]bool{}
	labels := map[string][]string{}
	for _, m := range documented(t) {
		name, kind, _ := strings.Cut(m, " ")
		name, label, _ := strings.Cut(strings.TrimSuffix(name, "}"), "{")
		known[name], labels[name] = true, append(labels[name], label)
		if kind == "histogram" {
			known[name+"_bucket"] = true
		}
	}
	var d struct {
		Panels []struct {
			ID      int
			Title   string
			GridPos struct{ X, Y, W, H int }
			Targets []struct{ Expr string }
		}
	}
	if err := json.Unmarshal([]byte(deployed(t, "grafana.json")), &d); err != nil {
		t.Fatal(err)
	}
	ids := map[int]bool{}
	used := 0
	for _, p := range d.Panels {
		if ids[p.ID] || p.Title == "" || p.GridPos.X+p.GridPos.W > 24 {
			t.Errorf("bad panel %+v", p)
		}
		ids[p.ID] = true
		for _, target := range p.Targets {
			for _, name := range regexp.MustCompile(`bluetrail_\w+`).FindAllString(target.Expr, -1) {
				if used++; !known[name] {
					t.Errorf("%s: docs/serve.md does not list %s", p.Title, name)
				}
				if by := regexp.MustCompile(`by \((\w+)\)`).FindStringSubmatch(target.Expr); by != nil && !slices.Contains(labels[name], by[1]) {
					t.Errorf("%s: %s has no label %s", p.Title, name, by[1])
				}
			}
		}
	}
	if used < 20 {
		t.Errorf("only %d metrics are used", used)
	}
}

// TestKubernetes: the manifests are whole, and the container has no more rights than it needs.
func TestKubernetes(t *testing.T) {
	kinds := map[string]any{}
	for _, doc := range strings.Split(deployed(t, "kubernetes.yaml"), "\n---\n") {
		var v map[string]any
		if err := yaml.Unmarshal([]byte(doc), &v); err != nil {
			t.Fatal(err)
		}
		kinds[lookIn(t, v, "kind").(string)] = v
	}
	set := kinds["StatefulSet"]
	pod := lookIn(t, set, "spec", "template", "spec")
	box := lookIn(t, pod, "containers", 0)
	for _, c := range []struct {
		of   any
		path []any
		want any
	}{
		{set, []any{"spec", "replicas"}, uint64(1)}, // one process owns a data directory
		{pod, []any{"automountServiceAccountToken"}, false},
		{pod, []any{"securityContext", "runAsNonRoot"}, true},
		{pod, []any{"securityContext", "seccompProfile", "type"}, "RuntimeDefault"},
		{box, []any{"securityContext", "readOnlyRootFilesystem"}, true},
		{box, []any{"securityContext", "allowPrivilegeEscalation"}, false},
		{box, []any{"securityContext", "capabilities", "drop", 0}, "ALL"},
		{box, []any{"readinessProbe", "httpGet", "path"}, "/readyz"},
		{kinds["Namespace"], []any{"metadata", "labels", "pod-security.kubernetes.io/enforce"}, "restricted"},
	} {
		if got := lookIn(t, c.of, c.path...); got != c.want {
			t.Errorf("%v is %v, want %v", c.path, got, c.want)
		}
	}
	labels := lookIn(t, set, "spec", "template", "metadata", "labels", "app.kubernetes.io/name")
	for _, sel := range []any{lookIn(t, set, "spec", "selector", "matchLabels"), lookIn(t, kinds["Service"], "spec", "selector"), lookIn(t, kinds["NetworkPolicy"], "spec", "podSelector", "matchLabels")} {
		if got := lookIn(t, sel, "app.kubernetes.io/name"); got != labels {
			t.Errorf("a selector is %v, the pods are %v", got, labels)
		}
	}
	path := filepath.Join(t.TempDir(), "bluetrail.yaml")
	if err := os.WriteFile(path, []byte(lookIn(t, kinds["ConfigMap"], "data", "bluetrail.yaml").(string)), 0o600); err != nil {
		t.Fatal(err)
	}
	if cfg, err := config.Load(path); err != nil || cfg.Log.Format != config.LogJSON {
		t.Errorf("the configuration: %v", err)
	}
	servesWith(t, lookIn(t, box, "args").([]any))
}

// servesWith parses a command line that must be one of serve.
func servesWith(t *testing.T, list []any) {
	t.Helper()
	var args []string
	for _, a := range list {
		args = append(args, a.(string))
	}
	var c cli
	parser, err := newParser(&c, os.Stdout, os.Stderr, func(int) {})
	if err != nil {
		t.Fatal(err)
	}
	ctx, err := parser.Parse(args)
	if err != nil || ctx.Command() != "serve" || c.Serve.Data == "" {
		t.Errorf("%q: %v", args, err)
	}
}

// TestContainer: the image runs as a user without rights, and the compose file keeps it so.
func TestContainer(t *testing.T) {
	var last map[string]string // of the final stage
	lines := bufio.NewScanner(strings.NewReader(deployed(t, "Dockerfile")))
	for lines.Scan() {
		word, rest, _ := strings.Cut(lines.Text(), " ")
		if word == "FROM" {
			last = map[string]string{}
		}
		if last != nil && word == strings.ToUpper(word) {
			last[word] = rest
		}
	}
	if last["FROM"] != "scratch" || last["USER"] != "65532:65532" || last["STOPSIGNAL"] != "SIGTERM" {
		t.Errorf("the last stage is %v", last)
	}
	var args []any
	if err := json.Unmarshal([]byte(last["CMD"]), &args); err != nil {
		t.Fatal(err)
	}
	servesWith(t, args)
	var v map[string]any
	if err := yaml.Unmarshal([]byte(deployed(t, "compose.yaml")), &v); err != nil {
		t.Fatal(err)
	}
	service := lookIn(t, v, "services", "bluetrail")
	if lookIn(t, service, "read_only") != true || lookIn(t, service, "cap_drop", 0) != "ALL" || lookIn(t, service, "user") != last["USER"] || lookIn(t, service, "security_opt", 0) != "no-new-privileges:true" {
		t.Errorf("the compose file gives more rights than needed: %v", service)
	}
	if _, err := os.Stat(filepath.Join("../../deploy", lookIn(t, service, "build", "context").(string), lookIn(t, service, "build", "dockerfile").(string))); err != nil {
		t.Error(err)
	}
}
