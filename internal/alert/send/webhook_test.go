package send

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"bluetrail/internal/alert"
	"bluetrail/internal/alert/message"
	"bluetrail/internal/config"
)

// TestWebhook: the body is signed, its texts are those of the alert, and a repeat has
// the same id.
func TestWebhook(t *testing.T) {
	for name, b := range batches() {
		url, ca, got := server(t, 202, "taken \x1b[31m\u202e")
		o := opened(t, config.Output{Type: "webhook", URL: config.Secret(url), CA: ca, Secret: secret(t, "key"), Token: secret(t, "token"), Format: "alert"})
		for range 2 {
			reply, err := o.Send(t.Context(), b)
			if err != nil || !strings.HasPrefix(reply, "HTTP 202") || strings.ContainsAny(reply, "\x1b\u202e") {
				t.Fatalf("%q, %v", reply, err)
			}
		}
		p := (*got)[0]
		if want := "v1=" + Sign("key", p.Get(Timestamp), p.body); p.Get(Signature) != want || p.Get("Authorization") != "Bearer token" {
			t.Errorf("%s: %v", name, p.Header)
		}
		if (*got)[1].Get(MessageID) != b.Key || p.Get(MessageID) != b.Key {
			t.Errorf("%s: a repeat is %q after %q", name, (*got)[1].Get(MessageID), p.Get(MessageID))
		}
		var d Document
		if err := json.Unmarshal(p.body, &d); err != nil || d.Version != Version || len(d.Messages) != len(b.Messages) {
			t.Fatalf("%s: %v, %+v", name, err, d.ID)
		}
		if got, want := d.Messages[0].Alert.Actor[1], strings.ToValidUTF8(attack, "\ufffd\ufffd"); got != want {
			t.Errorf("%s: the actor is %q, want %q", name, got, want)
		}
		if len(p.body) > 400<<10*len(b.Messages) {
			t.Errorf("%s: %d bytes", name, len(p.body))
		}
	}
}

// TestWebhookSchema: docs/webhook.schema.json names every field of a message.
func TestWebhookSchema(t *testing.T) {
	type schema struct {
		Ref        string             `json:"$ref"`
		Properties map[string]*schema `json:"properties"`
		Items      *schema            `json:"items"`
		Defs       map[string]*schema `json:"$defs"`
		Required   []string           `json:"required"`
		Extra      *bool              `json:"additionalProperties"`
	}
	text, err := os.ReadFile("../../../docs/webhook.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	var root schema
	if err := json.Unmarshal(text, &root); err != nil {
		t.Fatal(err)
	}
	m := evil()
	m.Test = true
	m.Alert.Verdict, m.Alert.Assignee = alert.Benign, "x"
	m.Alert.Sources[0].Country, m.Alert.Sources[0].ASN, m.Alert.Sources[0].NetworkKind, m.Alert.Sources[0].FirstSeen = "DE", 1, "hosting", true
	m.Alert.Around, m.Alert.Unusual, m.Alert.FalsePositives = []alert.Around{{}}, []string{""}, []string{""}
	m.Alert.Closed, m.Alert.Triage, m.Alert.Message, m.Alert.RecordsNote, m.Alert.Silent, m.Alert.Touched = &m.Time, "x", "x", "x", 1, true
	m.Alert.Fields = append(m.Alert.Fields, m.Alert.Fields...)
	m.Result = &message.Result{Text: "x", Names: []string{"x"}, Rows: []map[string]string{{"x": "y"}}}
	body, err := document("alert", &message.Batch{Key: "k", Messages: []message.Message{m}}, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	var doc any
	if err := json.Unmarshal(body, &doc); err != nil {
		t.Fatal(err)
	}
	var check func(path string, s *schema, v any)
	check = func(path string, s *schema, v any) {
		if name, ok := strings.CutPrefix(s.Ref, "#/$defs/"); ok {
			if s = root.Defs[name]; s == nil {
				t.Fatalf("%s: there is no definition %s", path, name)
			}
		}
		switch v := v.(type) {
		case []any:
			for _, x := range v {
				if s.Items != nil {
					check(path+"[]", s.Items, x)
				}
			}
		case map[string]any:
			for _, name := range s.Required {
				if _, ok := v[name]; !ok {
					t.Errorf("%s lacks %s", path, name)
				}
			}
			for name, x := range v {
				switch sub := s.Properties[name]; {
				case sub != nil:
					check(path+"."+name, sub, x)
				case s.Properties != nil:
					t.Errorf("the schema lacks %s.%s", path, name)
				}
			}
		}
	}
	check("", &root, doc)
	if len(root.Defs) < 3 {
		t.Error("the schema has no definitions")
	}
}

// TestOnCall: incidents open, and close with their alert; no text is longer than the
// services take.
func TestOnCall(t *testing.T) {
	b := batches()["digest"]
	b.Messages[2].Change = alert.Ended
	url, ca, got := server(t, 202, "{}")
	o := opened(t, config.Output{Type: "pagerduty", URL: config.Secret(url), CA: ca, Token: secret(t, "ROUTINGKEY")})
	if _, err := o.Send(t.Context(), b); err != nil {
		t.Fatal(err)
	}
	var actions []string
	for _, p := range *got {
		var e struct {
			Key    string `json:"routing_key"`
			Action string `json:"event_action"`
			Dedup  string `json:"dedup_key"`

			Payload struct{ Summary, Source, Severity string }
		}
		if err := json.Unmarshal(p.body, &e); err != nil {
			t.Fatal(err)
		}
		actions = append(actions, e.Action)
		if e.Key != "ROUTINGKEY" || e.Dedup != b.Messages[0].Alert.ID || e.Payload.Severity != "error" || len([]rune(e.Payload.Summary)) > 1024 || len(p.body) > 512<<10 {
			t.Errorf("%+v", e)
		}
		if clean := message.Plain(e.Payload.Summary); clean != message.Clip(e.Payload.Summary, 1<<10) {
			t.Errorf("%q", e.Payload.Summary)
		}
	}
	if want := []string{"trigger", "trigger", "resolve"}; !slices.Equal(actions, want) {
		t.Error(actions)
	}
	*got = nil
	o = opened(t, config.Output{Type: "opsgenie", URL: config.Secret(url), CA: ca, Token: secret(t, "GENIE")})
	if _, err := o.Send(t.Context(), b); err != nil {
		t.Fatal(err)
	}
	var e struct{ Message, Description, Priority, Alias string }
	if err := json.Unmarshal((*got)[0].body, &e); err != nil || e.Priority != "P2" || e.Alias != b.Messages[0].Alert.ID || len([]rune(e.Message)) > 130 || len([]rune(e.Description)) > 15000 {
		t.Errorf("%v %+v", err, e)
	}
	if p := (*got)[0]; p.Get("Authorization") != "GenieKey GENIE" || p.path != "/v2/alerts" {
		t.Error(p.path, p.Header)
	}
	if p := (*got)[2]; p.path != "/v2/alerts/"+e.Alias+"/close?identifierType=alias" {
		t.Error(p.path)
	}
}

// TestRefusals: what the other side says decides whether and when a message is sent again.
func TestRefusals(t *testing.T) {
	for status, final := range map[int]bool{400: true, 413: true, 422: true, 401: false, 404: false, 408: false, 429: false, 500: false, 503: false} {
		url, ca, _ := server(t, status, "no")
		_, err := opened(t, config.Output{Type: "webhook", URL: config.Secret(url), CA: ca}).Send(t.Context(), batches()["one"])
		var f *Failure
		if !errors.As(err, &f) || f.Final != final || !strings.Contains(f.Reason, "no") {
			t.Errorf("%d: %v", status, err)
		}
	}
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	for text, want := range map[string]time.Duration{"7": 7 * time.Second, "-7": 0, "999999999999": maxWait, "Thu, 01 Jan 2026 00:01:00 GMT": time.Minute, "soon": 0, "": 0} {
		if got := retryAfter(text, now); got != want {
			t.Errorf("%q: %s, want %s", text, got, want)
		}
	}
}

// TestClient: certificates are checked, redirects do not lead away, metadata services are
// out of reach, and a server that hangs ends nothing.
func TestClient(t *testing.T) {
	send := func(o config.Output) error {
		t.Helper()
		o.Type = "webhook"
		_, err := opened(t, o).Send(t.Context(), batches()["one"])
		return err
	}
	says := func(what string, err error, want string) {
		t.Helper()
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", what, err, want)
		}
	}
	url, ca, got := server(t, 200, "")
	says("unknown certificate", send(config.Output{URL: config.Secret(url)}), "certificate")
	for _, host := range []string{"169.254.169.254", "[fd00:ec2::254]", "[::ffff:169.254.169.254]", "[fe80::1%25lo]", "[64:ff9b::a9fe:a9fe]", "169.254.170.2:80"} {
		says(host, send(config.Output{URL: config.Secret("http://" + host + "/latest/meta-data"), Timeout: time.Second}), "internal: true")
	}
	for status, to := range map[int]string{302: "/elsewhere", 307: "http://169.254.169.254/", 308: url} {
		s := httptest.NewServer(http.RedirectHandler(to, status))
		defer s.Close()
		says(to, send(config.Output{URL: config.Secret(s.URL), CA: ca}), "redirected")
	}
	loop := httptest.NewServer(http.RedirectHandler("/again", http.StatusTemporaryRedirect))
	defer loop.Close()
	says("loop", send(config.Output{URL: config.Secret(loop.URL)}), "3 redirects")
	if len(*got) > 0 {
		t.Error("a redirect led away")
	}
	release := make(chan struct{})
	slow := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-release }))
	defer slow.Close()
	defer close(release)
	says("slow", send(config.Output{URL: config.Secret(slow.URL), Timeout: 50 * time.Millisecond}), "no answer within 50ms")
}

// TestSecrets: no error and no reply shows a secret, even one that the other side
// repeats.
func TestSecrets(t *testing.T) {
	echo := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(http.StatusUnauthorized)
		w.Write([]byte(r.URL.String() + " " + r.Header.Get("Authorization")))
	}))
	defer echo.Close()
	gone := "https://127.0.0.1:1/services/T0000/HIDDENHIDDEN?key=HIDDENHIDDEN"
	t.Setenv("BLUETRAIL_TEST_URL", gone)
	for name, o := range map[string]config.Output{
		"slack":    {Type: "slack", URL: secret(t, gone)},
		"env":      {Type: "teams", URL: "env:BLUETRAIL_TEST_URL"},
		"webhook":  {Type: "webhook", URL: secret(t, echo.URL+"/a/HIDDENHIDDEN?key=HIDDENHIDDEN"), Token: secret(t, "HIDDENHIDDEN")},
		"opsgenie": {Type: "opsgenie", URL: config.Secret(echo.URL), Token: secret(t, "HIDDENHIDDEN")},
		"shoutrrr": {Type: "shoutrrr", URL: secret(t, "gotify://127.0.0.1:1/HIDDENHIDDEN?disabletls=yes")},
		"bad url":  {Type: "slack", URL: secret(t, "HIDDENHIDDEN")},
		"control":  {Type: "slack", URL: secret(t, "https://x/HIDDENHIDDEN\x7f")},
		"unknown":  {Type: "shoutrrr", URL: secret(t, "nowhere://HIDDENHIDDEN@host/HIDDENHIDDEN")},
		"redirect": {Type: "shoutrrr", URL: secret(t, "slack://HIDDENHIDDEN/HIDDENHIDDEN")},
		"email":    {Type: "email", Server: "127.0.0.1:1", From: "a@b.c", To: []string{"a@b.c"}, User: "u", Password: secret(t, "HIDDENHIDDEN"), TLS: "starttls"},
		"missing":  {Type: "slack", URL: config.Secret("file:" + filepath.Join(t.TempDir(), "none"))},
	} {
		_, err := opened(t, o).Send(t.Context(), batches()["one"])
		if err == nil || strings.Contains(err.Error(), "HIDDEN") {
			t.Errorf("%s: %v", name, err)
		}
	}
}
