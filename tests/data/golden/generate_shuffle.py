"""Prints the orders that shuffle_test.cc, sampler_test.cc and dataset_test.cc hold as frozen.

Written from the C++ standard (seed_seq: [rand.util.seedseq], mt19937_64: [rand.eng.mers]), not from shuffle.cc.
"""

M32 = 2**32 - 1
M64 = 2**64 - 1


def seed_seq(words, n):
    """What seed_seq(words).generate fills n 32-bit words with."""
    begin = [0x8B8B8B8B] * n
    s = len(words)
    t = 11 if n >= 623 else 7 if n >= 68 else 5 if n >= 39 else 3 if n >= 7 else (n - 1) // 2
    p = (n - t) // 2
    q = p + t
    m = max(s + 1, n)

    def mix(x):
        return x ^ (x >> 27)

    for k in range(m):
        r1 = 1664525 * mix(begin[k % n] ^ begin[(k + p) % n] ^ begin[(k - 1) % n]) & M32
        r2 = (r1 + (s if k == 0 else k % n + words[k - 1] if k <= s else k % n)) & M32
        begin[(k + p) % n] = (begin[(k + p) % n] + r1) & M32
        begin[(k + q) % n] = (begin[(k + q) % n] + r2) & M32
        begin[k % n] = r2
    for k in range(m, m + n):
        r3 = 1566083941 * mix((begin[k % n] + begin[(k + p) % n] + begin[(k - 1) % n]) & M32) & M32
        r4 = (r3 - k % n) & M32
        begin[(k + p) % n] ^= r3
        begin[(k + q) % n] ^= r4
        begin[k % n] = r4
    return begin


class Mt19937x64:
    def __init__(self, words):
        halves = seed_seq(words, 624)
        self.x = [halves[2 * i] | halves[2 * i + 1] << 32 for i in range(312)]
        if self.x[0] >> 31 == 0 and not any(self.x[1:]):
            self.x[0] = 1 << 63
        self.i = 312

    def __call__(self):
        if self.i == 312:
            for k in range(312):
                y = (self.x[k] & ~(2**31 - 1) & M64) | (self.x[(k + 1) % 312] & (2**31 - 1))
                self.x[k] = self.x[(k + 156) % 312] ^ (y >> 1) ^ (0xB5026F5AA96619E9 if y & 1 else 0)
            self.i = 0
        z = self.x[self.i]
        self.i += 1
        z ^= (z >> 29) & 0x5555555555555555
        z ^= (z << 17) & 0x71D67FFFEDA60000 & M64
        z ^= (z << 37) & 0xFFF7EEE000000000 & M64
        return z ^ (z >> 43)


class Shuffler:
    def __init__(self, seed, stream):
        self.draw = Mt19937x64([seed & M32, seed >> 32, stream & M32, stream >> 32])

    def below(self, bound):
        while True:
            z = self.draw()
            if z < 2**64 - 2**64 % bound:
                return z % bound

    def shuffle(self, items):
        for left in range(len(items), 1, -1):
            k = self.below(left)
            items[left - 1], items[k] = items[k], items[left - 1]
        return items


def epoch_batches(lengths, batch_size, grouped, seed, epoch):
    shuffler = Shuffler(seed, epoch)
    order = shuffler.shuffle(list(range(len(lengths))))
    if grouped:
        mega = 50 * batch_size
        order = [i for b in range(0, len(order), mega) for i in sorted(order[b:b + mega], key=lambda i: -lengths[i])]
    batches = [order[b:b + batch_size] for b in range(0, len(order), batch_size)]
    if grouped:
        short = [batches.pop()] if len(batches[-1]) < batch_size else []
        shuffler.shuffle(batches)
        tokens = [sum(lengths[i] for i in batch) for batch in batches]
        first = tokens.index(max(tokens))
        batches[0], batches[first] = batches[first], batches[0]
        batches += short
    return batches


if __name__ == "__main__":
    for seed, stream in ((42, 0), (42, 1), (42 << 32, 0)):
        print(f"shuffle of 10, seed {seed}, stream {stream}:", Shuffler(seed, stream).shuffle(list(range(10))))
    lengths = [3, 1, 4, 1, 5, 9, 2, 6, 5, 3]
    for grouped, epoch in ((False, 0), (True, 0), (True, 1)):
        print(f"batches of 4, grouped {grouped}, epoch {epoch}:", epoch_batches(lengths, 4, grouped, 42, epoch))
    print("batches of 2, epoch 0:", epoch_batches([3, 1, 4, 1, 5, 9, 2, 6, 5, 3], 2, True, 42, 0))
    print("split of 10 off 100:", sorted(Shuffler(42, 1 << 63).shuffle(list(range(100)))[:10]))
