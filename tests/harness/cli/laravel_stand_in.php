<?php

// As much of Laravel as the skeleton uses, for a test: `php -S HOST:PORT laravel_stand_in.php` in the skeleton's app/.

namespace Illuminate\Http {
    class Request
    {
        public function header(string $name, ?string $default = null): ?string
        {
            return $_SERVER['HTTP_'.strtoupper(str_replace('-', '_', $name))] ?? $default;
        }

        public function getContent(): string
        {
            return file_get_contents('php://input');
        }

        public function json(string $key, mixed $default = null): mixed
        {
            return json_decode($this->getContent(), true)[$key] ?? $default;
        }
    }

    class JsonResponse
    {
        public function __construct(public array $data, public int $status)
        {
        }
    }
}

namespace App\Http\Controllers {
    abstract class Controller
    {
    }
}

namespace Illuminate\Support\Facades {
    class DB
    {
        private string $column;

        private mixed $value;

        private function __construct(private string $table)
        {
        }

        public static function table(string $table): self
        {
            return new self($table);
        }

        public function where(string $column, mixed $value): self
        {
            [$this->column, $this->value] = [$column, $value];

            return $this;
        }

        public function first(): ?object
        {
            return $this->run("select * from {$this->table} where {$this->column} = ?", [$this->value])->fetchObject() ?: null;
        }

        public function update(array $values): void
        {
            $set = implode(', ', array_map(fn ($name) => "$name = ?", array_keys($values)));
            $this->run("update {$this->table} set $set where {$this->column} = ?", [...array_values($values), $this->value]);
        }

        private function run(string $words, array $values): \PDOStatement
        {
            $done = (new \PDO('sqlite:'.substr(getenv('DB_URL'), strlen('sqlite:///'))))->prepare($words);
            $done->execute($values);

            return $done;
        }
    }

    class Http
    {
        private float $seconds;

        private int $status;

        private string $body;

        public static function withoutRedirecting(): self
        {
            return new self;
        }

        public function timeout(float $seconds): self
        {
            $this->seconds = $seconds;

            return $this;
        }

        public function post(string $url, array $content): self
        {
            $body = @file_get_contents($url, false, stream_context_create(['http' => [
                'method' => 'POST', 'header' => 'Content-Type: application/json', 'content' => json_encode($content),
                'timeout' => $this->seconds, 'follow_location' => 0, 'ignore_errors' => true,
            ]]));
            if ($body === false) {
                throw new \RuntimeException('no answer');
            }
            $this->body = $body;
            $this->status = (int) explode(' ', $http_response_header[0])[1];

            return $this;
        }

        public function status(): int
        {
            return $this->status;
        }

        public function json(string $key): mixed
        {
            return json_decode($this->body, true)[$key] ?? null;
        }
    }

    class Route
    {
        private static array $routes = [];

        public static function post(string $path, array $action): self
        {
            self::$routes['#^/api'.preg_replace('#\{\w+\}#', '([0-9]+)', $path).'$#'] = $action;

            return new self;
        }

        public function whereNumber(string $name): void
        {
        }

        public static function answer(string $path): \Illuminate\Http\JsonResponse
        {
            foreach (self::$routes as $pattern => [$class, $method]) {
                if (preg_match($pattern, $path, $found)) {
                    return (new $class)->$method(new \Illuminate\Http\Request, ...array_map('intval', array_slice($found, 1)));
                }
            }

            return response()->json([], 404);
        }
    }
}

namespace {
    function response(): object
    {
        return new class
        {
            public function json(array $data, int $status = 200): \Illuminate\Http\JsonResponse
            {
                return new \Illuminate\Http\JsonResponse($data, $status);
            }
        };
    }

    $path = parse_url($_SERVER['REQUEST_URI'], PHP_URL_PATH);
    require 'app/Http/Controllers/SyncController.php';
    require 'routes/sync.php';
    $answer = $path === '/up' ? response()->json([]) : \Illuminate\Support\Facades\Route::answer($path);
    http_response_code($answer->status);
    header('Content-Type: application/json');
    echo json_encode($answer->data);
}
