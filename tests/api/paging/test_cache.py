"""What the process keeps of answers stays within its bounds, whoever asks for what."""

from functions.api.paging.cache import LIMIT_BYTES, Cache


def test_long_keys_count_as_much_as_long_values() -> None:
    cache = Cache()
    keys = [("/customers", f"{number:05}" * 100_000) for number in range(200)]
    for key in keys:
        cache.put(key, 1, "a watermark")
    kept = [key for key in keys if cache.has(key)]
    assert kept
    assert kept[-1] == keys[-1]
    assert sum(len(text) for _, text in kept) <= LIMIT_BYTES
    cache.put(("/customers", "x" * LIMIT_BYTES), 1, "a watermark")
    assert [key for key in keys if cache.has(key)] == kept
