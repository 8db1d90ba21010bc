package pdf

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/md5" //nolint:gosec // the format's own
	"crypto/rc4" //nolint:gosec // the format's own
	"crypto/sha256"
	"crypto/sha512"
	"encoding/binary"
	"math"
)

// crypt decrypts the streams of files that are encrypted with an empty user password (7.6.3): everybody may read those,
// and the encryption only asks readers to forbid printing or copying. Strings are left as they are, since none that is
// drawn stands outside a stream.
type crypt struct {
	key []byte
	// method is V2 (RC4), AESV2, AESV3, or Identity.
	method name
}

// passwordPad fills passwords up (algorithm 2).
var passwordPad = []byte("\x28\xBF\x4E\x5E\x4E\x75\x8A\x41\x64\x00\x4E\x56\xFF\xFA\x01\x08\x2E\x2E\x00\xB6\xD0\x68\x3E\x80\x2F\x0C\xA9\xFE\x64\x53\x69\x7A")

// unlock tries the empty password; false: there is another.
func (f *file) unlock(encrypt dict, id string) (*crypt, bool) {
	if f.get(encrypt["Filter"]) != name("Standard") {
		return nil, false
	}
	version, revision := toInt(f.get(encrypt["V"])), toInt(f.get(encrypt["R"]))
	c := &crypt{method: "V2"}
	if version >= 4 {
		filter, _ := f.get(encrypt["StmF"]).(name)
		c.method = "Identity"
		if m, ok := f.get(f.dict(f.dict(encrypt["CF"])[filter])["CFM"]).(name); ok && m != "None" {
			c.method = m
		}
	}
	owner, _ := f.get(encrypt["O"]).(str)
	user, _ := f.get(encrypt["U"]).(str)
	switch {
	case version == 5 && revision >= 5:
		wrapped, _ := f.get(encrypt["UE"]).(str)
		return c, c.unlock256(user, wrapped, revision)
	case version >= 1 && version <= 4 && len(owner) >= 32 && len(user) >= 16:
	default:
		return nil, false
	}

	size := 5
	if n := toInt(f.get(encrypt["Length"])); revision >= 3 && n >= 40 && n <= 128 {
		size = n / 8
	} else if version == 4 {
		size = 16
	}
	permissions, _ := f.get(encrypt["P"]).(float64)
	if math.Abs(permissions) > math.MaxUint32 {
		return nil, false
	}
	in := append(append([]byte{}, passwordPad...), owner[:32]...)
	in = binary.LittleEndian.AppendUint32(in, uint32(int64(permissions))) //nolint:gosec // its lower 32 bits are meant
	in = append(in, id...)
	if clear, ok := f.get(encrypt["EncryptMetadata"]).(bool); ok && !clear && revision >= 4 {
		in = append(in, 0xFF, 0xFF, 0xFF, 0xFF)
	}
	sum := md5.Sum(in) //nolint:gosec // the format's own
	if revision >= 3 {
		for range 50 {
			sum = md5.Sum(sum[:size]) //nolint:gosec // the format's own
		}
	}
	c.key = bytes.Clone(sum[:size])
	return c, c.isUser(string(user), id, revision)
}

// isUser compares with what the writer of the file computed from the password (algorithms 4 to 6).
func (c *crypt) isUser(user, id string, revision int) bool {
	if revision == 2 {
		return string(rc4Of(c.key, passwordPad)) == user
	}
	sum := md5.Sum(append(bytes.Clone(passwordPad), id...)) //nolint:gosec // the format's own
	out := sum[:]
	for i := range byte(20) {
		key := bytes.Clone(c.key)
		for j := range key {
			key[j] ^= i
		}
		out = rc4Of(key, out)
	}
	return string(out) == user[:16]
}

func rc4Of(key, b []byte) []byte {
	out := make([]byte, len(b))
	r, err := rc4.NewCipher(key) //nolint:gosec // the format's own
	if err != nil {
		return nil
	}
	r.XORKeyStream(out, b)
	return out
}

// unlock256 is for AES-256 (ISO 32000-2, 7.6.4.3.3): the hash, a salt to check it and a salt to unwrap the key.
func (c *crypt) unlock256(user, wrapped str, revision int) bool {
	if len(user) < 48 || len(wrapped) < 32 {
		return false
	}
	hash := func(salt str) []byte {
		if revision == 5 {
			sum := sha256.Sum256([]byte(salt))
			return sum[:]
		}
		return hardHash([]byte(salt))
	}
	if string(hash(user[32:40])) != string(user[:32]) {
		return false
	}
	block, err := aes.NewCipher(hash(user[40:48]))
	if err != nil {
		return false
	}
	c.key = make([]byte, 32)
	cipher.NewCBCDecrypter(block, make([]byte, aes.BlockSize)).CryptBlocks(c.key, []byte(wrapped[:32]))
	return true
}

// hardHash is algorithm 2.B of ISO 32000-2 for an empty password.
func hardHash(salt []byte) []byte {
	sum := sha256.Sum256(salt)
	k := sum[:]
	for i := 0; ; i++ {
		block, err := aes.NewCipher(k[:16])
		if err != nil {
			return nil
		}
		e := bytes.Repeat(k, 64)
		cipher.NewCBCEncrypter(block, k[16:32]).CryptBlocks(e, e)
		mod := 0
		for _, b := range e[:16] {
			mod += int(b)
		}
		switch mod % 3 {
		case 0:
			sum := sha256.Sum256(e)
			k = sum[:]
		case 1:
			sum := sha512.Sum384(e)
			k = sum[:]
		default:
			sum := sha512.Sum512(e)
			k = sum[:]
		}
		if i >= 63 && int(e[len(e)-1]) <= i-31 {
			return k[:32]
		}
	}
}

// decrypt decrypts the stream of an object (algorithm 1); what cannot be is nil.
func (c *crypt) decrypt(b []byte, num, generation int) []byte {
	key := c.key
	if c.method == "V2" || c.method == "AESV2" {
		in := append(bytes.Clone(key), byte(num), byte(num>>8), byte(num>>16), byte(generation), byte(generation>>8))
		if c.method == "AESV2" {
			in = append(in, "sAlT"...)
		}
		sum := md5.Sum(in) //nolint:gosec // the format's own
		key = sum[:min(len(c.key)+5, 16)]
	}
	switch c.method {
	case "Identity":
		return b
	case "V2":
		return rc4Of(key, b)
	case "AESV2", "AESV3":
	default:
		return nil
	}
	block, err := aes.NewCipher(key)
	if err != nil || len(b) < 2*aes.BlockSize {
		return nil
	}
	vector, b := b[:aes.BlockSize], b[aes.BlockSize:]
	b = bytes.Clone(b[:len(b)/aes.BlockSize*aes.BlockSize])
	cipher.NewCBCDecrypter(block, vector).CryptBlocks(b, b)
	if pad := int(b[len(b)-1]); pad <= aes.BlockSize {
		b = b[:len(b)-pad]
	}
	return b
}
