package auth

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"fmt"
	"strings"

	"golang.org/x/crypto/argon2"
)

// cost is the work of a hash.
type cost struct {
	memory uint32 // KiB
	time   uint32
	lanes  uint8
}

// usualCost is the first choice of OWASP's Password Storage Cheat Sheet with little memory.
var usualCost = cost{19 << 10, 2, 1}

const (
	saltBytes = 16
	hashBytes = 32
	// maxPassword bounds a password, in bytes.
	maxPassword = 1024
	// atOnce is how many passwords are hashed at once: they hold 76 MiB together.
	atOnce = 4
	// waiting is how many more may wait for that.
	waiting = 64
)

// hasher hashes passwords, few at a time.
type hasher struct {
	cost  cost
	slots chan struct{}
	queue chan struct{}
}

func newHasher(c cost) *hasher {
	return &hasher{cost: c, slots: make(chan struct{}, atOnce), queue: make(chan struct{}, atOnce+waiting)}
}

// enter waits for a slot, which leave gives back.
func (h *hasher) enter(ctx context.Context) error {
	select {
	case h.queue <- struct{}{}:
	default:
		return errBusy
	}
	select {
	case h.slots <- struct{}{}:
		return nil
	case <-ctx.Done():
		<-h.queue
		return ctx.Err()
	}
}

func (h *hasher) leave() { <-h.slots; <-h.queue }

// hash returns a password's hash in the PHC string format.
func (h *hasher) hash(ctx context.Context, password string) (string, error) {
	if err := h.enter(ctx); err != nil {
		return "", err
	}
	defer h.leave()
	salt := make([]byte, saltBytes)
	rand.Read(salt) // never fails
	sum := argon2.IDKey([]byte(password), salt, h.cost.time, h.cost.memory, h.cost.lanes, hashBytes)
	enc := base64.RawStdEncoding
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version, h.cost.memory, h.cost.time, h.cost.lanes, enc.EncodeToString(salt), enc.EncodeToString(sum)), nil
}

// parsed is a hash taken apart.
type parsed struct {
	cost
	salt, sum []byte
}

func parse(hash string) (p parsed, ok bool) {
	parts := strings.Split(hash, "$")
	if len(parts) != 6 || parts[1] != "argon2id" || parts[2] != fmt.Sprintf("v=%d", argon2.Version) {
		return p, false
	}
	if n, err := fmt.Sscanf(parts[3], "m=%d,t=%d,p=%d", &p.memory, &p.time, &p.lanes); n != 3 || err != nil {
		return p, false
	}
	var err1, err2 error
	p.salt, err1 = base64.RawStdEncoding.DecodeString(parts[4])
	p.sum, err2 = base64.RawStdEncoding.DecodeString(parts[5])
	// A damaged database must not make the server hold any amount of memory.
	ok = err1 == nil && err2 == nil && p.memory >= 8 && p.memory <= 1<<20 && p.time >= 1 && p.time <= 100 && p.lanes >= 1 && len(p.sum) >= 16 && len(p.sum) <= 64
	return p, ok
}

// verify reports whether a password has a hash. A hash of "" takes as long, and no
// password has it.
func (h *hasher) verify(ctx context.Context, hash, password string) (bool, error) {
	p, ok := parse(hash)
	if !ok {
		p = parsed{cost: h.cost, salt: make([]byte, saltBytes), sum: make([]byte, hashBytes)}
	}
	if err := h.enter(ctx); err != nil {
		return false, err
	}
	defer h.leave()
	sum := argon2.IDKey([]byte(password), p.salt, p.time, p.memory, p.lanes, uint32(len(p.sum)))
	same := subtle.ConstantTimeCompare(sum, p.sum) == 1
	return ok && same, nil
}

// letters of one-time passwords: none that look alike.
const letters = "abcdefghjkmnpqrstuvwxyz23456789"

// oneTime returns a random password of 95 bits that is easy to type.
func oneTime() string {
	var b strings.Builder
	for i := range 20 {
		if i > 0 && i%5 == 0 {
			b.WriteByte('-')
		}
		b.WriteByte(letters[randomBelow(len(letters))])
	}
	return b.String()
}

// randomBelow returns a random number below n ≤ 256, each as likely as the others.
func randomBelow(n int) int {
	var b [1]byte
	for {
		rand.Read(b[:]) // never fails
		if v := int(b[0]); v < 256-256%n {
			return v % n
		}
	}
}

// secret returns 256 random bits as text.
func secret() string {
	b := make([]byte, 32)
	rand.Read(b) // never fails
	return base64.RawURLEncoding.EncodeToString(b)
}

// newID returns the ID of something that is not secret.
func newID() string {
	var b strings.Builder
	for range 12 {
		b.WriteByte(letters[randomBelow(len(letters))])
	}
	return b.String()
}
