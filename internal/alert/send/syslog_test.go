package send

import (
	"bytes"
	"crypto/tls"
	"io"
	"net"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"bluetrail/internal/config"
	"bluetrail/internal/diag"

	gosyslog "github.com/leodido/go-syslog/v4"
	"github.com/leodido/go-syslog/v4/octetcounting"
	"github.com/leodido/go-syslog/v4/rfc5424"
)

// listen keeps what comes in on one connection at a time.
func listen(t *testing.T, encrypted bool) (addr, ca string, got chan []byte) {
	t.Helper()
	s := httptest.NewUnstartedServer(nil)
	s.StartTLS()
	cert := s.TLS.Certificates[0]
	s.Close()
	_, ca, _ = server(t, 200, "")
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	if encrypted {
		l = tls.NewListener(l, &tls.Config{Certificates: []tls.Certificate{cert}})
	}
	t.Cleanup(func() { l.Close() })
	got = make(chan []byte, 8)
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			data, _ := io.ReadAll(conn)
			conn.Close()
			got <- data
		}
	}()
	return l.Addr().String(), ca, got
}

// TestSyslog sends over TLS and TCP and reads it with another implementation: each alert
// is one message, whatever its texts say.
func TestSyslog(t *testing.T) {
	for _, scheme := range []string{"tls", "tcp"} {
		for _, format := range []string{"text", "alert", "ocsf"} {
			for name, b := range batches() {
				addr, ca, got := listen(t, scheme == "tls")
				o := opened(t, config.Output{Type: "syslog", Server: scheme + "://" + addr, CA: ca, Facility: "local3", Format: format})
				if _, err := o.Send(t.Context(), b); err != nil {
					t.Fatal(err)
				}
				n := 0
				octetcounting.NewParser(gosyslog.WithListener(func(r *gosyslog.Result) {
					if r.Error != nil {
						t.Errorf("%s %s %s: %v", scheme, format, name, r.Error)
						return
					}
					n++
					m := r.Message.(*rfc5424.SyslogMessage)
					if *m.Appname != "bluetrail" || *m.MsgID != "raised" || *m.Priority != 19*8+3 || m.Timestamp == nil {
						t.Errorf("%+v", m)
					}
					data := (*m.StructuredData)["bluetrail@32473"]
					if data["id"] != b.Messages[n-1].Key || data["severity"] != "high" || data["alert"] != b.Messages[n-1].Alert.ID {
						t.Errorf("%q", data)
					}
					for _, s := range []string{*m.Message, data["entity"], data["rule"]} {
						s = strings.TrimPrefix(s, "\ufeff")
						if i := strings.IndexFunc(s, func(r rune) bool { return r < ' ' || format == "text" && diag.Hidden(r) }); i >= 0 || !strings.Contains(s, "everyone") {
							t.Errorf("%s: %q", format, s[max(0, i-5):][:20])
						}
					}
				}), gosyslog.WithMaxMessageLength(1<<20)).Parse(bytes.NewReader(<-got))
				if n != len(b.Messages) {
					t.Errorf("%s %s %s: %d messages, want %d", scheme, format, name, n, len(b.Messages))
				}
			}
		}
	}
	addr, _, got := listen(t, true)
	o := opened(t, config.Output{Type: "syslog", Server: "tls://" + addr, Facility: "auth", Format: "text"})
	if _, err := o.Send(t.Context(), batches()["one"]); err == nil || !strings.Contains(err.Error(), "certificate") {
		t.Error(err)
	}
	if data := <-got; len(data) > 0 {
		t.Errorf("%q was sent to somebody unknown", data)
	}
}

// TestSyslogDatagram: over UDP a message fits into what every receiver takes.
func TestSyslogDatagram(t *testing.T) {
	l, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	o := opened(t, config.Output{Type: "syslog", Server: "udp://" + l.LocalAddr().String(), Facility: "auth", Format: "text"})
	if _, err := o.Send(t.Context(), batches()["one"]); err != nil {
		t.Fatal(err)
	}
	buf := make([]byte, 1<<16)
	if err := l.SetReadDeadline(time.Now().Add(10 * time.Second)); err != nil {
		t.Fatal(err)
	}
	n, _, err := l.ReadFrom(buf)
	if err != nil || n > maxDatagram {
		t.Fatal(n, err)
	}
	if _, err := rfc5424.NewParser().Parse(buf[:n]); err != nil {
		t.Errorf("%v in %q", err, buf[:n])
	}
}
