package inbox

import (
	"crypto/sha256"
	"crypto/subtle"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"bluetrail/internal/config"
)

// MinToken is the least length of a token: shorter ones can be guessed.
const MinToken = 16

// rereadEvery is how often the places of tokens are read again, at most.
const rereadEvery = 10 * time.Second

// Tokens are those who may send. Their secrets are read again while a server runs, so
// that they can be changed.
type Tokens struct {
	list []config.Token
	log  *slog.Logger

	mu   sync.Mutex
	sums [][sha256.Size]byte // by index into list
	read time.Time
	told string
}

// NewTokens reads the tokens.
func NewTokens(list []config.Token, log *slog.Logger) (*Tokens, error) {
	t := &Tokens{list: list, log: log}
	sums, err := t.secrets()
	if err != nil {
		return nil, err
	}
	t.sums, t.read = sums, time.Now()
	return t, nil
}

func (t *Tokens) secrets() ([][sha256.Size]byte, error) {
	var sums [][sha256.Size]byte
	for i := range t.list {
		secret, err := t.list[i].Token.Read()
		if err != nil {
			return nil, fmt.Errorf("token %q: %w", t.list[i].Name, err)
		}
		if len(secret) < MinToken {
			return nil, fmt.Errorf("token %q: it has fewer than %d characters, so it can be guessed; make one with: openssl rand -hex 20", t.list[i].Name, MinToken)
		}
		sums = append(sums, sha256.Sum256([]byte(secret)))
	}
	return sums, nil
}

// Find returns the token with a secret, nil if there is none.
func (t *Tokens) Find(secret string) (found *config.Token) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if now := time.Now(); now.Sub(t.read) >= rereadEvery {
		t.read = now
		sums, err := t.secrets()
		said := ""
		if err == nil {
			t.sums = sums
		} else if said = err.Error(); said != t.told {
			t.log.Error("cannot reload tokens; the previous ones stay in use", "err", err)
		}
		t.told = said
	}
	sum := sha256.Sum256([]byte(secret))
	for i := range t.sums {
		if subtle.ConstantTimeCompare(sum[:], t.sums[i][:]) == 1 && found == nil {
			found = &t.list[i]
		}
	}
	return found
}
