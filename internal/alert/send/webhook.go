package send

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"strconv"
	"time"

	"bluetrail/internal/alert/message"
)

// Version is the version of the JSON that webhooks and files get. It changes when a
// field goes or changes its meaning.
const Version = "1"

// Document is the JSON of a webhook, see docs/webhook.schema.json.
type Document struct {
	Version  string            `json:"version"`
	ID       string            `json:"id"` // the same whenever it is sent again
	Sent     time.Time         `json:"sent"`
	Messages []message.Message `json:"messages"`
}

// Signature is the header with the signature of a webhook: v1= and the HMAC-SHA256 of
// the timestamp header's text, a dot and the body.
const (
	Signature = "X-Bluetrail-Signature"
	Timestamp = "X-Bluetrail-Timestamp"
	MessageID = "X-Bluetrail-Id"
)

type webhook struct {
	o *Output
	c *client
}

func newWebhook(o *Output) (Sender, error) {
	c, err := newClient(o)
	return &webhook{o, c}, err
}

// Send implements Sender.
func (w *webhook) Send(ctx context.Context, b *message.Batch) (string, error) {
	to, err := place(w.o.URL)
	if err != nil {
		return "", err
	}
	now := time.Now()
	body, err := document(w.o.Format, b, now)
	if err != nil {
		return "", err
	}
	header := http.Header{}
	header.Set(MessageID, b.Key)
	token, err := w.o.Token.Read()
	if err != nil {
		return "", err
	}
	if token != "" {
		header.Set("Authorization", "Bearer "+token)
	}
	secret, err := w.o.Secret.Read()
	if err != nil {
		return "", err
	}
	if secret != "" {
		at := strconv.FormatInt(now.Unix(), 10)
		header.Set(Timestamp, at)
		header.Set(Signature, "v1="+Sign(secret, at, body))
	}
	return w.c.post(ctx, w.o, to, body, header)
}

// Sign returns the signature of a body at a time, in hexadecimal digits.
func Sign(secret, at string, body []byte) string {
	h := hmac.New(sha256.New, []byte(secret))
	h.Write([]byte(at + "."))
	h.Write(body)
	return hex.EncodeToString(h.Sum(nil))
}

// document returns a batch in a format for programs.
func document(format string, b *message.Batch, now time.Time) ([]byte, error) {
	if format == "ocsf" {
		var list []any
		for i := range b.Messages {
			list = append(list, ocsf(&b.Messages[i]))
		}
		return json.Marshal(list)
	}
	return json.Marshal(Document{Version: Version, ID: b.Key, Sent: now.UTC().Truncate(time.Millisecond), Messages: b.Messages})
}
