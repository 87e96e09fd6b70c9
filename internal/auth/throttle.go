package auth

import (
	"crypto/sha256"
	"encoding/hex"
	"time"

	"bluetrail/internal/state"
)

// Bounds of tries to sign in. After as many failures as are free, each further try has
// to wait, twice as long as the one before.
const (
	freeAccount = 5  // of an account
	freeNetwork = 20 // from an address
	firstWait   = 5 * time.Second
	longestWait = 15 * time.Minute
	// forgetAfter is how long after the last failure they are forgotten.
	forgetAfter = 12 * time.Hour
	// knownFor is how long an address that somebody signed in from is known: what others
	// fail at does not lock that person out there.
	knownFor = 30 * 24 * time.Hour
	// maxAttempts is how many accounts and addresses are remembered.
	maxAttempts = 20_000
)

// counter is something whose failures are counted.
type counter struct {
	key  string
	free int
}

// of hides what people typed as a name, which can be a password.
func of(name string) string {
	sum := sha256.Sum256([]byte(name))
	return hex.EncodeToString(sum[:12])
}

func knownKey(name string, peer Peer) string { return "known " + of(name) + " " + peer.network() }

// reserve counts a try as a failure before it is made, so that tries at the same time
// count, too. It refuses if one has to wait.
func (p *People) reserve(name string, peer Peer) (list []counter, err error) {
	now := p.now()
	err = p.db.Write(func(tx *state.Tx) error {
		account := counter{"account " + of(name), freeAccount}
		known, err := tx.Attempt(knownKey(name, peer))
		if err != nil {
			return err
		}
		if known.Last > now.Add(-knownFor).UnixMilli() {
			account.key += " " + peer.network()
		}
		list = []counter{account, {"address " + peer.network(), freeNetwork}}
		var tries []state.Attempt
		for _, c := range list {
			a, err := tx.Attempt(c.key)
			if err != nil {
				return err
			}
			last := time.UnixMilli(a.Last)
			if now.Sub(last) > forgetAfter {
				a.Fails = 0
			}
			if over := a.Fails - c.free; over >= 0 {
				wait := min(firstWait<<min(over, 20), longestWait)
				if rest := last.Add(wait).Sub(now); rest > 0 {
					return throttled(rest)
				}
			}
			tries = append(tries, a)
		}
		for i, c := range list {
			if err := tx.PutAttempt(c.key, state.Attempt{Fails: tries[i].Fails + 1, Last: now.UnixMilli()}, maxAttempts); err != nil {
				return err
			}
		}
		return nil
	})
	return list, err
}

// restore takes back what reserve counted; passed says that the try succeeded.
func (p *People) restore(tx *state.Tx, list []counter, name string, peer Peer, passed bool) error {
	for i, c := range list {
		if passed && i == 0 {
			if err := tx.ForgetAttempt(c.key); err != nil {
				return err
			}
			continue
		}
		a, err := tx.Attempt(c.key)
		if err != nil {
			return err
		}
		if a.Fails > 0 {
			a.Fails--
			if err := tx.PutAttempt(c.key, a, maxAttempts); err != nil {
				return err
			}
		}
	}
	if !passed {
		return nil
	}
	return tx.PutAttempt(knownKey(name, peer), state.Attempt{Last: p.now().UnixMilli()}, maxAttempts)
}
