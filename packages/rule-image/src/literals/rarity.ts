// How rare pairs of neighbouring bytes are in traffic. The table was counted over captures, web pages, scripts, JSON, binaries
// and HTTP headers in equal parts: 4 bits for each pair of classes, -log2 of its share, minus 4, from 0 (common) to 15 (rare).

/** Letters' case does not count (0x20 is set as in the engine's windows); bytes above 127 share four classes. */
const CLASSES = 68;
const TABLE = [
  "UGV2Z3R2h1hllpiXmJlliUZGZVZEd1VVllV0V5ZZaIllVmWHmKmnmqqqqsq7u7vLm8ybzLrLusrMzLvMutzcvc28iIh1d5iqiKmomJm6ysvLl8u1iIqYmZe7",
  "qai4iJiKys2ruoiIhompu6q7u7upq8zKy8zMmpm7qrqau7vLy6uqy8jNzJyIh4aZmLq4u7qrqKu7y5nLzMyZm7ubqcvJzNq7mtzbnd3NiIiWuZu6mruqu6u6",
  "u7vLy8y8rN3MzdzM3N3czdzd3d3d3ZmJl3m6uLm6y8zMzMzc3d3N3KzMzKzLzMvKt8zbzcvd3d2Yiae6u7yLysiqzM3d3N2r3d2qu7u6uszMu9ubuszc3azN",
  "mZmGp7qLeLnMq7q7zMvMzcnNmpqauZh6qanJmbh6y5zdvZiJpaq8yXm3yLjL3d3M3Wq5zLq9zNy83cvc7Mvb3duurN2YmaOavMuKtnt6u8y7y8zcxspqWpe5",
  "lcy7q8d6ebrLvJzNmYm3urvLuqvMrcvM3Mzczazdqsy8u7vLyszMzMzLx93d3ZmZlKq7u4zHzMzLzN3c3dzb3Xu8rNyry8zL3LvK3N293t2ZmZarzMrMw3vM",
  "m8rc3Mvd3Nxtm3m5msunqsqKt6vJ3N3dqZm3i6rLyNfMh1Vqu7vJ3dndi1p4eYe5iYm2eKiq3MzdnpmZprm7uquYvGtau2q7u8zMh2p5l4hnt6eax1qXd8fL",
  "3KuHmZW4qcubu6mldaaaurt2y8ybqarLqbuqy7vMu8zJzK29mImmucy3rLxqdYamqpmavNvLrKury8vMy8zLzMzMzOu9rqmYtrq8y7zMq7mlepa7urzb2rzJ",
  "q8u8zMzMzMzMy9zsva2ZmrnKzczNzHu5uqq6Zqvc7Nm7u7vKzNzMy8y8y8zc7M2+qZm3urvMe5x7uqq7uru6fNzLq6u7y7vLu8vLvMu6zNzMvZmZubvM28zM",
  "u7eqa6u6u8zc3by6u8nMzMy8zMzMzMzcvb2Zmba43MzMzHu6urumu7vM3Nm9u7vLu8zLvMvM3MzM3M2+qZm4qs3czczMpru7u7u7vdzdu7u7y7nNzMzMzMzd",
  "3NvOvamaqKrLzMrMu6uqq7qru8zc3Jy5urmpy7q7y8zLzMzMza6pmbnKzMzMzLy7u7u7u6u83M29uavLvMvMvLzMzLzN3N29mYmzy8zM3MndbbbMzd3dx9nd",
  "vbu8yqztvKvrq8vM3b3d3amZtbvN283VzM3c3d3d3c3Z3cq7zMu83dvMy8vb3N3e3c2pmajLutvc3NxNzN3dzdzNus1riKfbmMy33edtp9rd3d3eqZqmxLzM",
  "29vNzWvH3d3d3XzZfc28zLzdzMvczMrb3c3d3ZmZtqzLypvFmcq73N3M3bm0yZyaqbmrzKq6yoq5u8itu62aibfLzNrM3N3L3N3d3t3c3L3K3drdfN3d3czd",
  "3O3d3u3eiJmmqcrJq8rKu8vd7d28vNzcuay7u7rbusvKusrMzc3N3Ylplbm6vLqqmXiququ6urvLxlxWlld5mlSklUSEiInKqpqYibjLy8y8zLyoqru7u7vN",
  "3Np8enmqi3ine6uXeqqIyt3MmZm32srNusyrmam7y7u6yqrdW2pXuoVrlTq5h3WrqtzNnaqZtbnIrZm6mZiru7u6uqlpx2uaR6pau6hquYmHqpq8va6omLS2",
  "y6yHyGd1m6u7u7uVaMdaV2WFiqpmhHVDpWh0u52OmYm2ycvcuburibq7u7u6fGvdbJt6uGu7l2q6mHi7m9vNvpmZt9nbvarLmpnLvMzLy8ea2YuaSqtou3d3",
  "uoiGu7vXvK2qmqepzLyZu4qpq5m6y6unqtxsqlq6Wrupa6elhLu8zM2dlYi429zcrKyraanMy8yqu7vWfFdlZqt7dUO2WKWWyMitvqeZqdrL3MvNvLzK3Mza",
  "3N3d3X3Li8u7zMysu2uruszb3u6ZmrjZ3M26zHu7y8zMzMy8zN2cqlurZ8y7equbury83M29mZq2h8m8qXp2eZvKzLy7qprYTJpHqkqrtWqpaXWZisi9nqeZ",
  "t9nMvLvMe3rLzMzMu8vL2WyoWat7u4RqtouXu7zaza2ombTY3KyYyndou7y6x7ynedZrWlVIeoqpZ6lZdKmXy72dqZm22MzMe8urqsvMzMzMyrvdm2ilZ4pq",
  "V2O2VGZousfNrqmauLnLvLq7d1q5y8zMuKnKd0yqWrtnq6VqtWZ1upq6zL2ZibrL3d3Mzbu7zMzMy8zdzO2Muqu8q6u7y6u7e6zL297dqpnFyNusmMp5mLzM",
  "zMzMt5nHW2pIiVuceFapZ3aXe7y8nqqatMfKrInJmIWru8vLzKZYzWp6SalWq5VqtUl0qourrY6pmqS3p5uIuVhnm7rLq7qVmLdbeTaoRKpYWaVlZJpZq6yN",
  "mYnJ28vMy7zLu7u5vLzb3bzdjYhpmYq7dpa4Zpa7utvd3ZmZuNrc3cu8rKt7vMvLzM3M2Gy7WquLzLibvKu6q6vL3d6pmcjY3d3LrLzGu7y7zMvdzN17qmq6",
  "WLu6mbt4u1i7293OqZi4urrMu8x7t6vMu8fKu9rcfJuauqe7equ3a7a7t8y9ramZxsrcvanKqrm8zNzM3Mq62qy7qrurzJiYtoq5qrvLva2pmsrc3d3czc28",
  "29vNzMzt3e2ty4u7a8y7qLu7u4u61N7LqprIytyt69bMzLvM3N3d7eveqqy8y5u8u7vbq8rczc2azZmZudvJ3dzb3czc3d3d3d3b3azd3N3d3N3b3N3M3d3d",
  "yc2ZmbjL3M2J1sjL7e7t7e2butuq3c3czd3d3u3c3N7tvqzdmZnKzN3d29zdzMzc3c3d7d3cve3d3d3c3d3d7uzu3K7d3ZmZubzK3Mvc3NuZ3N3t3d3dzpyJ",
  "mamau5qqyYmoutrYvZuZmHaIh5eZmZmZmJmYmZmZmYmYiYiZmZmYmZmZiJmZmZiZVUR3mJiZmZmZmZmpmZmYmamamJmYqZmpqaqpqqmZqZqZmVVVd4iYmZiY",
  "mYmZmqmZmZmpmJmZmZmXmZmqmZmYmpqZmZlVVWZoh4iYiIl5mIiJiZmJmYmIiZmZh5mYmZiZmJmZmZmJVTU=",
].join("");

const pairs = Buffer.from(TABLE, "base64");

function classOf(byte: number): number {
  const folded = byte | 0x20;
  if (folded < 0x40) return folded - 0x20;
  return folded < 0x80 ? folded - 0x60 + 32 : 64 + ((byte >> 5) & 3);
}

/** Rarity of a pair of bytes, about the bits of information in it: 4 to 19. */
export function pairBits(first: number, second: number): number {
  const index = classOf(first) * CLASSES + classOf(second);
  return (((pairs[index >> 1] ?? 0) >> ((index & 1) * 4)) & 15) + 4;
}

/** Rarity of some bytes in a row: the sum over their pairs. */
export function rarity(bytes: Uint8Array, from: number, length: number): number {
  let bits = 0;
  for (let i = from; i + 1 < from + length; i++) bits += pairBits(bytes[i] ?? 0, bytes[i + 1] ?? 0);
  return bits;
}
