package send

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"bluetrail/internal/alert"
	"bluetrail/internal/alert/message"
	"bluetrail/internal/config"
)

// TestFile: each message is one line of JSON, also behind a line that a crash cut off.
func TestFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "new", "alerts.ndjson")
	o := opened(t, config.Output{Type: "file", Path: path, Format: "alert", MaxMiB: 1, Keep: 2})
	send := func(b *message.Batch) {
		t.Helper()
		if _, err := o.Send(t.Context(), b); err != nil {
			t.Fatal(err)
		}
	}
	send(batches()["one"])
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_APPEND, 0)
	if err != nil {
		t.Fatal(err)
	}
	f.WriteString(`{"id":"cut`)
	f.Close()
	send(batches()["digest"])
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSuffix(string(data), "\n"), "\n")
	if len(lines) != 5 || lines[1] != `{"id":"cut` {
		t.Fatalf("%d lines", len(lines))
	}
	for i, line := range lines {
		var m message.Message
		if err := json.Unmarshal([]byte(line), &m); (err == nil) != (i != 1) || err == nil && m.Alert.Number != 7 {
			t.Errorf("line %d: %v", i, err)
		}
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Error(info.Mode(), err)
	}
	for range 80 {
		send(batches()["one"])
	}
	files, err := filepath.Glob(path + "*")
	if err != nil || len(files) != 3 {
		t.Errorf("%q, %v", files, err)
	}
	for _, name := range files {
		if info, err := os.Stat(name); err != nil || info.Size() > 1<<20 {
			t.Errorf("%s has %d bytes, %v", name, info.Size(), err)
		}
	}
	if _, err := opened(t, config.Output{Type: "file", Path: t.TempDir(), MaxMiB: 1, Keep: 1}).Send(t.Context(), batches()["one"]); err == nil {
		t.Error("a directory is taken for a file")
	}
}

// TestOCSF: a finding has what class 2004 requires, and says what changed.
func TestOCSF(t *testing.T) {
	for change, activity := range map[alert.Change]float64{alert.Raised: 1, alert.Worsened: 2, alert.Reopened: 2, alert.Ended: 3} {
		m := evil()
		m.Change, m.Alert.Status, m.Alert.Verdict = change, alert.Closed, alert.Benign
		body, err := document("ocsf", &message.Batch{Messages: []message.Message{m}}, m.Time)
		if err != nil {
			t.Fatal(err)
		}
		var list []map[string]any
		if err := json.Unmarshal(body, &list); err != nil {
			t.Fatal(err)
		}
		f := list[0]
		for key, want := range map[string]any{
			"activity_id": activity, "category_uid": 2.0, "class_uid": 2004.0, "type_uid": 200400 + activity, "severity_id": 4.0, "status_id": 4.0,
			"verdict_id": 5.0, "time": float64(m.Time.UnixMilli()), "count": 3.0, "is_alert": true,
		} {
			if f[key] != want {
				t.Errorf("%s: %s is %v, want %v", change, key, f[key], want)
			}
		}
		info := f["finding_info"].(map[string]any)
		meta := f["metadata"].(map[string]any)
		if info["uid"] != m.Alert.ID || info["title"] == "" || meta["version"] == "" || meta["product"].(map[string]any)["vendor_name"] != "bluetrail" || f["cloud"].(map[string]any)["provider"] != "AWS" {
			t.Errorf("%v %v", info["uid"], meta)
		}
		for _, e := range f["evidences"].([]any) {
			if e := e.(map[string]any); e["api"] == nil && e["src_endpoint"] == nil {
				t.Errorf("an evidence without any: %v", e)
			}
		}
	}
	test := message.Sample("k", time.Unix(0, 0))
	if f := ocsf(&test); f["verdict_id"] != 6 {
		t.Error("a test is not marked")
	}
}
