package send

import (
	"encoding/json"
	"encoding/pem"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"bluetrail/internal/alert"
	"bluetrail/internal/alert/message"
	"bluetrail/internal/config"
	"bluetrail/internal/detect/finding"
	"bluetrail/internal/diag"
)

// attack is what somebody may call a role, a bucket or a user agent to reach whoever
// reads the alert.
const attack = "<!everyone> <!channel> @everyone @here <@U024BE7LH> <https://evil.example|click> [click](https://evil.example) <script>alert(1)</script> <at>all</at>" +
	"\r\nBcc: victim@evil.example\r\n\r\n.\r\nMAIL FROM:<x>\r\n\x1b[31mred\x1b[0m \u202egnp.exe\u2066 \xff\xfe *bold* `code` # title | cell www.evil.example \"] \\ {{.alert}} <13>1 - - - - - -"

// evil returns an alert full of attacks, each text with a megabyte behind it.
func evil() message.Message {
	s := attack + strings.Repeat("A", 1<<20)
	v := finding.Values{s, attack}
	now := time.Date(2026, 11, 28, 12, 0, 0, 0, time.UTC)
	a := &alert.Alert{
		ID: "0123456789abcdef0123456789abcdef", Number: 7, Created: now, Updated: now, Status: alert.New, Severity: "high", Risk: 12, RuleID: attack, Rule: s, Title: s,
		Mitre: []string{"T1078"}, EntityKind: "actor", Entity: s, Summary: s, Actor: v, ActorClass: v, Chain: v, Account: v, Region: v, EventName: v, Object: v, Outcome: "success",
		Count: 3, First: now, Last: now, Sources: []alert.Source{{Address: s, Network: s, Lists: []string{s}}}, Findings: []string{"f"}, EventIDs: []string{"e"}, Notes: []string{s}, Exposure: []string{s}, NextSteps: []string{s},
	}
	return message.Message{Key: "feedfeedfeedfeedfeedfeedfeedfeed", Time: now, Change: alert.Raised, Alert: message.Bounded(a)}
}

// batches are what each output is tried with: one alert, and a digest.
func batches() map[string]*message.Batch {
	one := evil()
	return map[string]*message.Batch{
		"one":    {Key: one.Key, Messages: []message.Message{one}},
		"digest": {Key: "d1935700000000000000000000000000", Messages: []message.Message{one, evil(), evil()}},
	}
}

// opened returns an output as a configuration has it.
func opened(t *testing.T, o config.Output) *Output {
	t.Helper()
	o.Name = "x"
	if o.Timeout == 0 {
		o.Timeout = 20 * time.Second
	}
	out, err := Open(o)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// secret writes a secret to a file.
func secret(t *testing.T, text string) config.Secret {
	t.Helper()
	path := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(path, []byte(text+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return config.Secret("file:" + path)
}

// posted is a request that a server got.
type posted struct {
	http.Header
	path string
	body []byte
}

// server answers with a status and a text, over TLS, and keeps what it got.
func server(t *testing.T, status int, text string) (url, ca string, got *[]posted) {
	t.Helper()
	got = &[]posted{}
	s := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		*got = append(*got, posted{r.Header, r.URL.RequestURI(), body})
		w.WriteHeader(status)
		io.WriteString(w, text)
	}))
	t.Cleanup(s.Close)
	ca = filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(ca, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw}), 0o600); err != nil {
		t.Fatal(err)
	}
	return s.URL, ca, got
}

// texts returns all texts in a JSON value.
func texts(t *testing.T, body []byte) (list []string) {
	t.Helper()
	var v any
	if err := json.Unmarshal(body, &v); err != nil {
		t.Fatalf("%v in %.300s", err, body)
	}
	var walk func(any)
	walk = func(v any) {
		switch v := v.(type) {
		case string:
			list = append(list, v)
		case []any:
			for _, x := range v {
				walk(x)
			}
		case map[string]any:
			for k, x := range v {
				list = append(list, k)
				walk(x)
			}
		}
	}
	walk(v)
	return list
}

// harmless fails for texts that people read if they contain characters that do something
// unseen, or what clients turn into links.
func harmless(t *testing.T, list []string) {
	t.Helper()
	seen := false
	for _, s := range list {
		seen = seen || strings.Contains(s, "everyone")
		for _, r := range strings.ReplaceAll(strings.ReplaceAll(s, "@\u200b", "@"), "\n", "") {
			if diag.Hidden(r) {
				t.Errorf("%.100q has %q", s, r)
				break
			}
		}
		if strings.Contains(s, "evil.example") && (strings.Contains(s, "https://evil") || strings.Contains(s, "www.evil")) {
			t.Errorf("a link in %.300q", s)
		}
	}
	if !seen {
		t.Error("the attack did not come through at all")
	}
}

// TestChats: nothing of an attack is a link, a mention or markup in a chat.
func TestChats(t *testing.T) {
	for typ, check := range map[string]func(t *testing.T, body string, list []string){
		"slack": func(t *testing.T, body string, list []string) {
			var p struct {
				Text   string
				Parse  string
				Blocks []struct{ Text struct{ Type, Text string } }

				Attachments []struct {
					Fallback string
					Blocks   []struct{ Text struct{ Type, Text string } }
				}
			}
			if err := json.Unmarshal([]byte(body), &p); err != nil {
				t.Fatal(err)
			}
			for _, s := range []string{p.Text, p.Attachments[0].Fallback} {
				if strings.ContainsAny(s, "<>") || s == "" {
					t.Errorf("%.200q", s)
				}
			}
			for _, b := range append(p.Blocks, p.Attachments[0].Blocks...) {
				if b.Text.Type != "plain_text" || b.Text.Text == "" || len([]rune(b.Text.Text)) > 3000 {
					t.Errorf("%s, %d characters", b.Text.Type, len([]rune(b.Text.Text)))
				}
			}
			if p.Parse != "none" || len([]rune(p.Blocks[0].Text.Text)) > 150 {
				t.Error(p.Parse, p.Blocks)
			}
		},
		"teams": func(t *testing.T, body string, list []string) {
			if strings.Contains(body, `"TextBlock"`) || !strings.Contains(body, `"TextRun"`) || strings.Contains(body, `"entities"`) || len(body) > 28<<10 {
				t.Errorf("%d bytes, %.300s", len(body), body)
			}
		},
		"discord": func(t *testing.T, body string, list []string) {
			var p struct {
				AllowedMentions struct{ Parse []string } `json:"allowed_mentions"`
				Embeds          []struct{ Title, Description string }
			}
			if err := json.Unmarshal([]byte(body), &p); err != nil {
				t.Fatal(err)
			}
			e := p.Embeds[0]
			if p.AllowedMentions.Parse == nil || len(p.AllowedMentions.Parse) > 0 || len([]rune(e.Title)) > 256 || len([]rune(e.Description)) > 4096 {
				t.Errorf("%+v", p)
			}
			for _, s := range []string{e.Title, e.Description} {
				for i, r := range s {
					if strings.ContainsRune("[](<>*`|", r) && (i == 0 || s[i-1] != '\\') {
						t.Errorf("%q is markup in %.300q", r, s)
						break
					}
				}
				if strings.Contains(s, "@everyone") {
					t.Error("a mention")
				}
			}
		},
	} {
		for name, b := range batches() {
			t.Run(typ+" "+name, func(t *testing.T) {
				url, ca, got := server(t, 200, "ok")
				o := opened(t, config.Output{Type: typ, URL: secret(t, url+"/services/T000/SECRETSECRET"), CA: ca})
				if _, err := o.Send(t.Context(), b); err != nil {
					t.Fatal(err)
				}
				body := (*got)[0].body
				list := texts(t, body)
				harmless(t, list)
				check(t, string(body), list)
			})
		}
	}
}

// TestTemplates: values are escaped for the target, and a template's own text is not.
func TestTemplates(t *testing.T) {
	for typ, want := range map[string]string{
		"slack": "*Look*: &lt;!everyone&gt;", "teams": `**Look**: \\<!everyone\\>`, "discord": `**Look**: \\<!everyone\\>`,
	} {
		url, ca, got := server(t, 200, "ok")
		bold := map[bool]string{true: "*", false: "**"}[typ == "slack"]
		o := opened(t, config.Output{Type: typ, URL: secret(t, url), CA: ca, Title: "{{.alert.severity | upper}}", Text: bold + "Look" + bold + ": {{.alert.entity}}{{range .alert.actor}} {{.}}{{end}}"})
		if _, err := o.Send(t.Context(), batches()["one"]); err != nil {
			t.Fatal(err)
		}
		body := strings.NewReplacer(`\u003c`, "<", `\u003e`, ">", `\u0026`, "&").Replace(string((*got)[0].body))
		if !strings.Contains(body, want) || !strings.Contains(body, `HIGH"`) {
			t.Errorf("%s: %.600s", typ, body)
		}
	}
	for _, text := range []string{"{{.alert.entitty}}", "{{", "{{.alert.sources.x}}"} {
		if _, err := Open(config.Output{Type: "slack", Text: text}); err == nil {
			t.Errorf("%s is taken", text)
		}
	}
	huge := "{{range .alert.account}}" + strings.Repeat("x", 100) + "{{end}}{{range $i, $e := .alert.region}}" + strings.Repeat("y", 40<<10) + "{{end}}"
	p, err := message.Parse("", huge)
	if err != nil {
		t.Fatal(err)
	}
	m := evil()
	if s, err := p.Text(&m, message.Plain); err != nil || len(s) > message.MaxBody {
		t.Errorf("%d bytes, %v", len(s), err)
	}
}
