package send

import (
	"context"
	"errors"
	"io"
	"log"
	"net/url"
	"strings"

	"bluetrail/internal/alert/message"

	"github.com/nicholas-fedor/shoutrrr/pkg/router"
	"github.com/nicholas-fedor/shoutrrr/pkg/types"
)

// maxShout bounds a message to a service whose own limit is not known, in bytes.
const maxShout = 2000

// instead are the services of shoutrrr for which there is a type of output that says
// what the other side answered.
var instead = map[string]string{"slack": "slack", "teams": "teams", "discord": "discord", "pagerduty": "pagerduty", "opsgenie": "opsgenie", "smtp": "email", "generic": "webhook", "logger": "file"}

type shout struct{ o *Output }

func newShoutrrr(o *Output) (Sender, error) { return &shout{o}, nil }

// Send implements Sender.
func (s *shout) Send(ctx context.Context, b *message.Batch) (string, error) {
	text, err := s.o.URL.Read()
	if err != nil {
		return "", err
	}
	u, err := url.Parse(text)
	if err != nil {
		return "", errors.New("the URL cannot be read")
	}
	scheme, _, _ := strings.Cut(u.Scheme, "+")
	if t := instead[scheme]; t != "" {
		return "", errors.New("use an output of type " + t + " for " + scheme)
	}
	r, err := router.New(log.New(io.Discard, "", 0), text)
	if err != nil {
		return "", err
	}
	r.Timeout = s.o.Timeout
	title, body, err := s.o.both(b, message.Chat, message.Chat)
	if err != nil {
		return "", err
	}
	// A title of its own is not known everywhere.
	said := make(chan error, 1)
	go func() { said <- errors.Join(r.Send(message.Clip(title+"\n"+body, maxShout), &types.Params{})...) }()
	select {
	case err := <-said:
		if err != nil {
			return "", err
		}
		return "accepted by " + scheme, nil
	case <-ctx.Done(): // the router ends by its own timeout
		return "", ctx.Err()
	}
}
