package chat

import "bytes"

// not64 marks the bytes that standard base64 does not use.
var not64 = func() (t [256]byte) {
	for i := range t {
		t[i] = 1
	}
	for _, c := range "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/" {
		t[c] = 0
	}
	return t
}()

// Base64 reports whether data is standard base64 with its padding, and not empty: what Media.Data must be. It goes over
// images as fast as it can.
func Base64(data []byte) bool {
	if len(data) == 0 || len(data)%4 != 0 {
		return false
	}
	body := bytes.TrimSuffix(bytes.TrimSuffix(data, []byte("=")), []byte("="))
	var bad byte
	for len(body) >= 8 {
		b := body[:8]
		bad |= not64[b[0]] | not64[b[1]] | not64[b[2]] | not64[b[3]] | not64[b[4]] | not64[b[5]] | not64[b[6]] | not64[b[7]]
		body = body[8:]
	}
	for _, c := range body {
		bad |= not64[c]
	}
	return bad == 0
}
