package auth

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"testing"
	"time"
)

// authenticator is a passkey in software.
type authenticator struct {
	key     *ecdsa.PrivateKey
	id      []byte
	handle  string
	counter uint32
}

// cborBytes writes a byte string of CBOR.
func cborBytes(b []byte) []byte { return append([]byte{0x59, byte(len(b) >> 8), byte(len(b))}, b...) }

func cborText(s string) []byte { return append([]byte{0x60 | byte(len(s))}, s...) }

// data is the authenticator data for a host. flags are user present and verified, 0x40
// with the public key.
func (a *authenticator) data(host string, flags byte) []byte {
	sum := sha256.Sum256([]byte(host))
	b := append(sum[:], flags)
	b = binary.BigEndian.AppendUint32(b, a.counter)
	if flags&0x40 == 0 {
		return b
	}
	b = append(b, make([]byte, 16)...)
	b = binary.BigEndian.AppendUint16(b, uint16(len(a.id)))
	b = append(b, a.id...)
	raw, _ := a.key.PublicKey.Bytes() // of this curve it never fails
	b = append(b, 0xa5, 0x01, 0x02, 0x03, 0x26, 0x20, 0x01, 0x21)
	b = append(b, cborBytes(raw[1:33])...)
	b = append(b, 0x22)
	return append(b, cborBytes(raw[33:])...)
}

func client(kind, challenge, origin string) []byte {
	return jsonOf(map[string]any{"type": kind, "challenge": challenge, "origin": origin, "crossOrigin": false})
}

type options struct {
	Challenge string `json:"challenge"`
	RPID      string `json:"rpId"`
	RP        struct {
		ID string `json:"id"`
	} `json:"rp"`
	User struct {
		ID string `json:"id"`
	} `json:"user"`
}

func optionsOf(t *testing.T, c *Ceremony) (o options) {
	t.Helper()
	if err := json.Unmarshal(jsonOf(c.Options), &o); err != nil {
		t.Fatal(err)
	}
	return o
}

// create answers navigator.credentials.create.
func (a *authenticator) create(o options, origin string) []byte {
	a.handle = o.User.ID
	object := append([]byte{0xa3}, cborText("fmt")...)
	object = append(append(object, cborText("none")...), cborText("attStmt")...)
	object = append(append(object, 0xa0), cborText("authData")...)
	object = append(object, cborBytes(a.data(o.RP.ID, 0x45))...)
	return jsonOf(map[string]any{"id": b64(a.id), "rawId": b64(a.id), "type": "public-key", "clientExtensionResults": map[string]any{}, "response": map[string]any{
		"clientDataJSON": b64(client("webauthn.create", o.Challenge, origin)), "attestationObject": b64(object), "transports": []string{"internal"},
	}})
}

// get answers navigator.credentials.get.
func (a *authenticator) get(o options, origin string, flags byte) []byte {
	data, told := a.data(o.RPID, flags), client("webauthn.get", o.Challenge, origin)
	hash := sha256.Sum256(told)
	sum := sha256.Sum256(append(append([]byte(nil), data...), hash[:]...))
	signature, err := ecdsa.SignASN1(rand.Reader, a.key, sum[:])
	if err != nil {
		panic(err)
	}
	return jsonOf(map[string]any{"id": b64(a.id), "rawId": b64(a.id), "type": "public-key", "clientExtensionResults": map[string]any{}, "response": map[string]any{
		"clientDataJSON": b64(told), "authenticatorData": b64(data), "signature": b64(signature), "userHandle": a.handle,
	}})
}

// TestPasskey: added with the password, it signs in at the same name only, once for each
// challenge, and with the person verified.
func TestPasskey(t *testing.T) {
	p := open(t, t.TempDir())
	now := time.Now()
	p.now = func() time.Time { return now }
	here, origin := from("192.0.2.1"), "http://localhost:8686"
	who := must[*Principal](t)(p.Identify(request("GET", anyPath, must[string](t)(p.SignIn(t.Context(), "alice", good, here)))))
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	a := &authenticator{key: key, id: []byte("credential-1")}

	_, err = p.BeginPasskey(t.Context(), who, "wrong", here)
	expect(t, "wrong password", refusal(err), "bad_login")
	byAddress := here
	byAddress.Host = "127.0.0.1:8686"
	_, err = p.BeginPasskey(t.Context(), who, good, byAddress)
	expect(t, "by address", refusal(err), "no_passkeys")
	add := func(at string, by *Principal) (*Passkey, error) {
		c, err := p.BeginPasskey(t.Context(), who, good, here)
		if err != nil {
			t.Fatal(err)
		}
		return p.FinishPasskey(by, c.ID, "laptop\x1b", a.create(optionsOf(t, c), at), here)
	}
	_, err = add("http://evil.example.com", who)
	expect(t, "another origin", refusal(err), "bad_passkey")
	_, err = add(origin, &Principal{Name: "bob", Role: Admin, Session: "x"})
	expect(t, "for another", refusal(err), "bad_passkey")
	added := must[*Passkey](t)(add(origin, who))

	sign := func(origin string, flags byte, change func(*options)) string {
		c, err := p.BeginPasskeySignIn(here)
		if err != nil {
			t.Fatal(err)
		}
		o := optionsOf(t, c)
		if change != nil {
			change(&o)
		}
		a.counter++
		answer := a.get(o, origin, flags)
		secret, err := p.FinishPasskeySignIn(c.ID, answer, here)
		if _, again := p.FinishPasskeySignIn(c.ID, answer, here); refusal(again) != "bad_passkey" {
			t.Error("a challenge was used twice", again)
		}
		if err != nil {
			return refusal(err)
		}
		return p.whoIs(anyPath, secret)
	}
	expect(t, "sign-in", sign(origin, 0x05, nil), "alice analyst")
	expect(t, "another origin", sign("http://localhost:9999", 0x05, nil), "bad_login")
	expect(t, "not verified", sign(origin, 0x01, nil), "bad_login")
	expect(t, "another challenge", sign(origin, 0x05, func(o *options) { o.Challenge = b64([]byte("0123456789abcdef0123456789abcdef")) }), "bad_login")
	expect(t, "another name", sign(origin, 0x05, func(o *options) { o.RPID = "evil.example.com" }), "bad_login")
	handle := a.handle
	a.handle = b64([]byte("nobody's handle"))
	expect(t, "nobody's", sign(origin, 0x05, nil), "bad_login")
	a.handle = handle
	a.counter = 0
	expect(t, "a copy", sign(origin, 0x05, nil), "bad_login")
	a.counter += 10
	c, err := p.BeginPasskeySignIn(here)
	if err != nil {
		t.Fatal(err)
	}
	now = now.Add(ceremonyTime + time.Second)
	_, err = p.FinishPasskeySignIn(c.ID, a.get(optionsOf(t, c), origin, 0x05), here)
	expect(t, "too late", refusal(err), "bad_passkey")
	_, err = p.FinishPasskeySignIn("x", []byte("{"), here)
	expect(t, "nonsense", refusal(err), "bad_passkey")

	list := must[[]Passkey](t)(p.Passkeys("alice"))
	if len(list) != 1 || list[0].Used == nil || list[0].ID != added.ID {
		t.Errorf("%+v", list)
	}
	expect(t, "removed by another", refusal(p.DeletePasskey(&Principal{Name: "bob", Session: "x"}, added.ID)), "not_found")
	expect(t, "removed", refusal(p.DeletePasskey(who, added.ID)), "")
	expect(t, "after", sign(origin, 0x05, nil), "bad_login")
	for range maxCeremonies + 10 {
		must[*Ceremony](t)(p.BeginPasskeySignIn(here))
	}
	if n := len(p.open.all); n != maxCeremonies {
		t.Errorf("%d ceremonies", n)
	}
}
