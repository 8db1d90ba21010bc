package main

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"time"
)

const (
	// slowTimeout bounds the whole mode.
	slowTimeout = 6 * time.Minute
	// slowWarm is how long all streams go on before they are measured: some events each.
	slowWarm = 3 * time.Second
	// slowLate is how much longer than reverse_proxy's the gateway's p99 may be.
	slowLate = time.Millisecond
	// spareFiles is how many files a server has open besides its streams' connections, at most.
	spareFiles = 200
)

// slowSetup is how the streams are carried, on both sides of the server.
type slowSetup struct {
	name   string
	secure bool
	bar    float64 // KB of resident memory a stream
	files  int     // open files of the server for a stream; 0 where many streams share a connection
}

// slowSetups have the bars of docs/performance.md.
var slowSetups = []slowSetup{
	{"HTTP/1.1", false, 60, 2},
	{"HTTP/2 with TLS", true, 60, 0},
}

// slowMode is `-scale`: streams of an event a second through one process, ever more of them.
type slowMode struct {
	options
	dir, binary      string
	certificate, key string
}

func (m *slowMode) run(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, slowTimeout)
	defer cancel()
	if err := m.makeCertificate(); err != nil {
		return err
	}
	fmt.Printf("streams of one event a second through one process, measured for %s; memory is what a stream adds to what is resident,\n"+
		"and held what is in use after a collection of garbage, touched or not; a delay is from sending by the stub to receipt by the client\n\n", m.round)
	fmt.Printf("%-16s %7s  %-13s %18s %12s %10s %12s %10s\n", "", "streams", "", "CPU a second, µs", "memory, KB", "held, KB", "median, ms", "p99, ms")
	for _, setup := range slowSetups {
		for _, n := range []int{1000, 3000, 10_000} {
			if name := fmt.Sprintf("%s, %d", setup.name, n); !m.selected(name) {
				continue
			}
			if err := m.compare(ctx, setup, n); err != nil {
				return fmt.Errorf("%s, %d streams: %w", setup.name, n, err)
			}
		}
	}
	return nil
}

// compare measures n streams through reverse_proxy and the gateway, and prints both.
func (m *slowMode) compare(ctx context.Context, setup slowSetup, n int) error {
	note := ""
	if setup.files > 0 {
		if most := (openFiles() - spareFiles) / setup.files; n > most {
			note = fmt.Sprintf("%-16s %d streams do not fit: a process may open %d files, and a stream takes %d\n", "", n, openFiles(), setup.files)
			n = most
		}
	}
	proxy, err := m.measure(ctx, setup, "reverse_proxy", n)
	if err != nil {
		return err
	}
	gateway, err := m.measure(ctx, setup, "gateway", n)
	if err != nil {
		return err
	}
	proxy.print(setup.name, n, "reverse_proxy")
	gateway.print("", n, "gateway")
	late := gateway.P99 - proxy.P99
	fmt.Printf("%-16s memory ≤ %.0f KB: %s; p99 at most %s later: %s (%.2f ms)\n%s", "", setup.bar, verdict(gateway.memory <= setup.bar),
		slowLate, verdict(late <= slowLate && !gateway.late()), milliseconds(late), note)
	return nil
}

// slowCost is what a server's streams cost and how late their events were.
type slowCost struct {
	slowResult
	cpu     time.Duration // of a stream, a second
	memory  float64       // resident, of a stream, in KB
	held    float64       // in use after a collection of garbage, touched or not, in KB
	arrived float64       // the part of the events that arrived while they were measured
}

// late reports whether so many events had not arrived in the end that the delays of those that had say too little.
func (c slowCost) late() bool { return c.arrived < 0.99 }

func (c slowCost) print(setup string, n int, server string) {
	fmt.Printf("%-16s %7d  %-13s %18.1f %12.1f %10.1f %12.2f %10.2f\n", setup, n, server, float64(c.cpu)/1e3, c.memory, c.held, milliseconds(c.Median), milliseconds(c.P99))
	if c.late() {
		fmt.Printf("%-16s only %.1f %% of the events came in time: the machine is too busy, or the server too slow\n", "", c.arrived*100)
	}
}

func milliseconds(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

func verdict(met bool) string {
	if met {
		return "met"
	}
	return "NOT MET"
}

// measure starts a server with a stub and a client, opens the streams and measures them.
func (m *slowMode) measure(ctx context.Context, setup slowSetup, name string, n int) (slowCost, error) {
	var cost slowCost
	job, site, model := childJob{Form: formSSE}, slowProxySite, gpt
	if name == "gateway" {
		job, site, model = childJob{Form: formFrames}, slowGatewaySite, sonnet
	}
	if setup.secure {
		job.Certificate, job.Key = m.certificate, m.key
	}
	stub, err := startChild(ctx, job)
	if err != nil {
		return cost, err
	}
	defer stub.stop()
	var upstream string
	if err := stub.hear(&upstream); err != nil {
		return cost, err
	}
	s, err := m.startServer(ctx, setup, fmt.Sprintf("%s %s %d", name, strings.NewReplacer(" ", "_", "/", "").Replace(setup.name), n), site, upstream)
	if err != nil {
		return cost, err
	}
	defer s.stop()
	before, err := s.memory()
	if err != nil {
		return cost, err
	}
	idle, err := s.held()
	if err != nil {
		return cost, err
	}
	client, err := startChild(ctx, childJob{Address: s.address, Secure: setup.secure, Streams: n, Model: model})
	if err != nil {
		return cost, err
	}
	defer client.stop()
	var opened string
	if err := client.hear(&opened); err != nil {
		return cost, fmt.Errorf("%s: %w: %s", name, err, s.log.String())
	}
	time.Sleep(slowWarm)
	cpu, err := s.cpu()
	if err != nil {
		return cost, err
	}
	if err := client.say(wordBegin); err != nil {
		return cost, err
	}
	begin := time.Now()
	time.Sleep(m.round)
	if err := client.say(wordEnd); err != nil {
		return cost, err
	}
	took := time.Since(begin)
	used, err := s.cpu()
	if err != nil {
		return cost, err
	}
	after, err := s.memory()
	if err != nil {
		return cost, err
	}
	if err := client.hear(&cost.slowResult); err != nil {
		return cost, fmt.Errorf("%s: %w: %s", name, err, s.log.String())
	}
	held, err := s.held()
	if err != nil {
		return cost, err
	}
	cost.held = (held - idle) / 1024 / float64(n)
	seconds := took.Seconds() * float64(n)
	cost.arrived = float64(cost.Events) / seconds
	cost.cpu = time.Duration(float64(used-cpu) / seconds)
	cost.memory = (after - before) / 1024 / float64(n)
	if m.profiles == "" {
		return cost, nil
	}
	return cost, m.writeProfiles(s)
}

// writeProfiles writes what a server's streams hold, stand at and do.
func (m *slowMode) writeProfiles(s *server) error {
	if err := os.MkdirAll(m.profiles, 0o750); err != nil {
		return err
	}
	name := filepath.Join(m.profiles, strings.ReplaceAll(s.name, " ", "_"))
	for _, kind := range []string{"heap?gc=1", "goroutine"} {
		data, err := s.get("/debug/pprof/" + kind)
		if err != nil {
			return err
		}
		if err := os.WriteFile(name+"_"+strings.TrimSuffix(kind, "?gc=1")+".prof", data, 0o600); err != nil {
			return err
		}
	}
	return s.profile(5, name+"_cpu.prof")
}

// The servers before the stub at %[1]s, which may need a transport %[2]s to be trusted.
const (
	slowGatewaySite = `	bedrock_gateway {
		bedrock us-east-1 {
			endpoint %[1]s
			credentials AKIABENCH00000000000 bench-secret-key
			%[2]s
		}
		files off
	}
`
	slowProxySite = `	reverse_proxy %[1]s {
		%[2]s
	}
`
)

func (m *slowMode) startServer(ctx context.Context, setup slowSetup, name, site, upstream string) (*server, error) {
	s := &server{name: name}
	var err error
	if s.address, err = freeAddress(); err != nil {
		return nil, err
	}
	if s.admin, err = freeAddress(); err != nil {
		return nil, err
	}
	if !setup.secure {
		return s, s.launch(ctx, m.binary, m.dir, "", "http://"+s.address, fmt.Sprintf(site, "http://"+upstream, "transport http"))
	}
	_, port, err := net.SplitHostPort(s.address)
	if err != nil {
		return nil, err
	}
	site = "\ttls internal\n" + fmt.Sprintf(site, "https://"+upstream, "transport http {\n\t\t\ttls_trust_pool file "+filepath.ToSlash(m.certificate)+"\n\t\t}")
	globals := "\tskip_install_trust\n\tauto_https disable_redirects\n\tservers {\n\t\tprotocols h1 h2\n\t}\n"
	if err := s.launch(ctx, m.binary, m.dir, globals, "https://"+serverName+":"+port, site); err != nil {
		return nil, err
	}
	// The certificate is made after the server has begun to listen.
	for deadline := time.Now().Add(startTimeout); ; time.Sleep(20 * time.Millisecond) {
		conn, err := tls.Dial("tcp", s.address, clientTLS())
		if err == nil {
			_ = conn.Close()
			return s, nil
		}
		if time.Now().After(deadline) {
			s.stop()
			return nil, fmt.Errorf("%s has no certificate: %w: %s", name, err, s.log.String())
		}
	}
}

// makeCertificate makes the stub's certificate, which the servers trust by its file.
func (m *slowMode) makeCertificate() error {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
	}
	certificate, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return err
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return err
	}
	m.certificate, m.key = filepath.Join(m.dir, "stub.pem"), filepath.Join(m.dir, "stub.key")
	if err := os.WriteFile(m.certificate, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: certificate}), 0o600); err != nil {
		return err
	}
	return os.WriteFile(m.key, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private}), 0o600)
}
